"""The reference models hung up as the published repositories hang theirs, so that `state_dict()` has their keys.

Each function takes a model of reference_models.py apart and returns a module that cannot run but whose keys and shapes
are those of the repository: what a published checkpoint holds, and what `load_state_dict(strict=True)` asks for.
"""
import torch.nn as nn


def module(**parts):
    made = nn.Module()
    for name, part in parts.items():
        made.add_module(name, part)
    return made


def wrapped(net):
    """TemporalShift of TSM and mmaction2."""
    return module(net=net)


def blocks(trunk):
    for stage in (getattr(trunk, f'layer{i + 1}') for i in range(trunk.n)):
        for index in range(len(stage)):
            yield stage, index


def torchvision(model):
    model.base_model.fc = model.new_fc
    return model.base_model


def tsm(model, every=1):
    for stage, index in blocks(model.base_model):
        if index % every == 0:
            stage[index].conv1 = wrapped(stage[index].conv1)
    return model


def tsn(model):
    return model


def tsm_mobilenet(model):
    """TSM's own MobileNetV2 does not nest the layers of a block."""
    for block in list(model.base_model.features)[1:-1]:
        layers = []
        for part in block.conv:
            layers += list(part) if isinstance(part, nn.Sequential) else [part]
        if block.shifts:
            layers[0] = wrapped(layers[0])
        block.conv = nn.Sequential(*layers)
    return model


def torchvision_mobilenet(model):
    model.base_model.classifier = nn.Sequential(nn.Dropout(), model.new_fc)
    return model.base_model


def tam(model):
    for stage, index in blocks(model.base_model):
        block = stage[index]
        adaptive = block.tam
        del block.tam
        stage[index] = module(net=block, tam=adaptive)
    return model


def gst(model):
    return model


def tea(model):
    return model


def tpn(model):
    return model


def conv_module(conv, bn):
    return module(conv=conv, bn=bn)


def mmaction2_trunk(trunk, kind):
    """mmaction2's ResNet, ResNetTSM and TANet."""
    for stage, index in blocks(trunk):
        block = stage[index]
        parts = {f'conv{i}': conv_module(getattr(block, f'conv{i}'), getattr(block, f'bn{i}')) for i in (1, 2, 3)
                 if hasattr(block, f'conv{i}')}
        if kind == 'tsm':
            parts['conv1'].conv = wrapped(parts['conv1'].conv)
        if block.downsample is not None:
            parts['downsample'] = conv_module(block.downsample[0], block.downsample[1])
        made = module(**parts)
        stage[index] = module(block=made, tam=block.tam) if kind == 'tam' else made
    stages = {f'layer{i + 1}': getattr(trunk, f'layer{i + 1}') for i in range(trunk.n)}
    return module(conv1=conv_module(trunk.conv1, trunk.bn1), **stages)


def mmaction2(model, kind):
    return module(backbone=mmaction2_trunk(model.base_model, kind), cls_head=module(fc_cls=model.new_fc))


def mmaction2_tpn(model):
    neck = model.necks

    def fusion(op):
        downsamples = nn.ModuleList(module(conv=conv_module(down.conv, down.norm)) for down in op.ops)
        return module(downsamples=downsamples, fusion_conv=conv_module(op.fusion_conv[0], op.fusion_conv[1]))

    made = module(
        spatial_modulation=neck.spatial_modulation,
        temporal_modulation_ops=nn.ModuleList(module(conv=module(conv=op.conv)) for op in neck.temporal_modulation_ops),
        downsample_ops=nn.ModuleList(module(conv=module(conv=op.conv)) for op in neck.downsampling_ops),
        level_fusion_1=fusion(neck.level_fusion_op2),
        level_fusion_2=fusion(neck.level_fusion_op),
        pyramid_fusion=conv_module(neck.pyramid_fusion_op[0], neck.pyramid_fusion_op[1]),
        aux_head=module(conv=neck.aux_head.convs, fc=neck.aux_head.fc),
    )
    return module(backbone=mmaction2_trunk(model.backbone, 'tsm'), neck=made, cls_head=model.cls_head)
