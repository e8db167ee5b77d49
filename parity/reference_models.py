"""Reference implementations (PyTorch) of TSN, TSM (also on MobileNetV2), GST, TAM, TEA and TPN, written for this project from the papers,
with the parameter names that the published checkpoints use. They produce the golden numbers under
crates/taf/tests/golden/. `layers`, `width` scale the networks down so that fixtures stay small.
"""
import torch, torch.nn as nn, torch.nn.functional as F


def relu(x):
    return F.relu(x, inplace=True)                                     # as torchvision's ResNet: less memory, same numbers


def shift(x, t, div):
    nt, c, h, w = x.shape
    x = x.view(nt // t, t, c, h, w); f = c // div
    out = x.clone()
    out[:, :-1, :f] = x[:, 1:, :f]; out[:, -1, :f] = 0
    out[:, 1:, f:2 * f] = x[:, :-1, f:2 * f]; out[:, 0, f:2 * f] = 0
    return out.view(nt, c, h, w)


class TamModule(nn.Module):
    def __init__(self, c, t, k=3):
        super().__init__(); self.t, self.k = t, k
        self.G = nn.Sequential(nn.Linear(t, 2 * t, bias=False), nn.BatchNorm1d(2 * t), nn.ReLU(),
                               nn.Linear(2 * t, k, bias=False), nn.Softmax(-1))
        self.L = nn.Sequential(nn.Conv1d(c, c // 4, k, padding=k // 2, bias=False), nn.BatchNorm1d(c // 4), nn.ReLU(),
                               nn.Conv1d(c // 4, c, 1, bias=False), nn.Sigmoid())

    def forward(self, x):
        nt, c, h, w = x.shape; t = self.t; n = nt // t
        v = x.view(n, t, c, h, w).transpose(1, 2)                      # N C T H W
        pooled = v.mean((3, 4))                                        # N C T
        kernel = self.G(pooled.reshape(n * c, t)).view(n, c, self.k)   # N C K
        gate = self.L(pooled)                                          # N C T
        v = v * gate[..., None, None]
        p = F.pad(v, (0, 0, 0, 0, self.k // 2, self.k // 2))
        out = sum(kernel[:, :, i, None, None, None] * p[:, :, i:i + t] for i in range(self.k))
        return out.transpose(1, 2).reshape(nt, c, h, w)


class Bottleneck(nn.Module):
    expansion = 4
    def __init__(self, cin, planes, stride, down, kind, t, shift_down=False):
        super().__init__(); self.kind, self.t, self.shift_down = kind, t, shift_down
        self.conv1 = nn.Conv2d(cin, planes, 1, bias=False); self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False); self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False); self.bn3 = nn.BatchNorm2d(planes * 4)
        self.downsample = nn.Sequential(nn.Conv2d(cin, planes * 4, 1, stride, bias=False), nn.BatchNorm2d(planes * 4)) if down else None
        if kind == 'tam': self.tam = TamModule(planes, t)

    def forward(self, x):
        s = shift(x, self.t, 8) if self.kind in ('tsm', 'tpn') else x
        y = relu(self.bn1(self.conv1(s)))
        if self.kind == 'tam': y = self.tam(y)
        y = relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        # the published TPN backbone feeds the *shifted* input to the projection shortcut
        r = x if self.downsample is None else self.downsample(s if self.kind == 'tpn' else x)
        return relu(y + r)


class BasicBlock(nn.Module):
    expansion = 1
    def __init__(self, cin, planes, stride, down, kind, t):
        super().__init__(); self.kind, self.t = kind, t
        self.conv1 = nn.Conv2d(cin, planes, 3, stride, 1, bias=False); self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False); self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = nn.Sequential(nn.Conv2d(cin, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)) if down else None

    def forward(self, x):
        s = shift(x, self.t, 8) if self.kind == 'tsm' else x
        y = relu(self.bn1(self.conv1(s)))
        y = self.bn2(self.conv2(y))
        return relu(y + (x if self.downsample is None else self.downsample(x)))


class MotionExcitation(nn.Module):
    """TEA's ME: gates of every channel and frame, from how the features change until the next frame"""
    def __init__(self, c, t):
        super().__init__(); self.t, few = t, max(1, c // 16)
        self.conv1 = nn.Conv2d(c, few, 1, bias=False); self.bn1 = nn.BatchNorm2d(few)
        self.conv2 = nn.Conv2d(few, few, 3, 1, 1, groups=few, bias=False)
        self.conv3 = nn.Conv2d(few, c, 1, bias=False); self.bn3 = nn.BatchNorm2d(c)

    def forward(self, x):
        y = self.bn1(self.conv1(x))
        now, then = (v.reshape(-1, self.t, *v.shape[1:]) for v in (y, self.conv2(y)))
        motion = torch.cat((then[:, 1:] - now[:, :-1], torch.zeros_like(now[:, :1])), 1)   # the last frame has no next one
        pooled = motion.flatten(0, 1).mean((2, 3), keepdim=True)
        return x + x * (torch.sigmoid(self.bn3(self.conv3(pooled))) - 0.5)


class TemporalFilter(nn.Module):
    """one filter of three frames per channel; starts as the identity, or as a shift of half the channels each way"""
    def __init__(self, c, t, shifts):
        super().__init__(); self.t = t
        self.conv = nn.Conv1d(c, c, 3, padding=1, groups=c, bias=False)
        with torch.no_grad():
            self.conv.weight.zero_(); half = c // 2 if shifts else 0
            self.conv.weight[:half, 0, 2] = 1; self.conv.weight[half:2 * half, 0, 0] = 1; self.conv.weight[2 * half:, 0, 1] = 1

    def forward(self, x):
        nt, c, h, w = x.shape; t = self.t
        rows = x.view(nt // t, t, c, h * w).permute(0, 3, 2, 1).reshape(-1, c, t)
        return self.conv(rows).view(nt // t, h, w, c, t).permute(0, 4, 3, 1, 2).reshape(nt, c, h, w)


class TeaBottleneck(nn.Module):
    """TEA on Res2Net's 26w x 4s block: the first block of a stage treats its groups alone, the others hand each to the next"""
    expansion = 4
    def __init__(self, cin, planes, stride, down, kind, t, first):
        super().__init__(); self.first = first; w = self.w = planes * 26 // 64
        self.me = MotionExcitation(4 * w, t)
        self.conv1 = nn.Conv2d(cin, 4 * w, 1, bias=False); self.bn1 = nn.BatchNorm2d(4 * w)
        self.convs = nn.ModuleList(nn.Conv2d(w, w, 3, stride, 1, bias=False) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(w) for _ in range(3))
        self.shifts = nn.ModuleList(TemporalFilter(w, t, shifts=i == 3) for i in range(4))
        self.pool = nn.AvgPool2d(3, stride, 1) if first else nn.Identity()
        self.conv3 = nn.Conv2d(4 * w, planes * 4, 1, bias=False); self.bn3 = nn.BatchNorm2d(planes * 4)
        self.downsample = nn.Sequential(nn.Conv2d(cin, planes * 4, 1, stride, bias=False), nn.BatchNorm2d(planes * 4)) if down else None

    def forward(self, x):
        *groups, last = self.me(relu(self.bn1(self.conv1(x)))).split(self.w, 1)
        outs = []
        for g, filt, conv, bn in zip(groups, self.shifts, self.convs, self.bns):
            if outs and not self.first: g = g + outs[-1]
            outs.append(relu(bn(conv(filt(g)))))
        outs.append(self.pool(self.shifts[3](last)))
        y = self.bn3(self.conv3(torch.cat(outs, 1)))
        return relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, layers, kind, t, block=Bottleneck, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False); self.bn1 = nn.BatchNorm2d(width)
        cin = width
        for i, n in enumerate(layers):
            planes, blocks = width * 2 ** i, []
            for j in range(n):
                stride = 2 if (i > 0 and j == 0) else 1
                down = j == 0 and (stride != 1 or cin != planes * block.expansion)
                more = (j == 0,) if block is TeaBottleneck else ()
                blocks.append(block(cin, planes, stride, down, kind, t, *more)); cin = planes * block.expansion
            setattr(self, f'layer{i + 1}', nn.Sequential(*blocks))
        self.n, self.out = len(layers), cin

    def stages(self, x):
        x = F.max_pool2d(relu(self.bn1(self.conv1(x))), 3, 2, 1)
        outs = []
        for i in range(self.n):
            x = getattr(self, f'layer{i + 1}')(x); outs.append(x)
        return outs


class Tsn2d(nn.Module):
    """TSN / TSM / TAM / TEA: per-frame logits averaged over segments. kind in {'tsn','tsm','tam','tea'}"""
    def __init__(self, kind, layers, classes, t, block=Bottleneck, width=64):
        super().__init__(); self.t = t
        self.base_model = ResNet(layers, kind, t, TeaBottleneck if kind == 'tea' else block, width)
        self.new_fc = nn.Linear(self.base_model.out, classes)
    def features(self, x):                       # x: [N*T,3,H,W] -> [N,T,C,h,w]
        f = self.base_model.stages(x)[-1]
        return f.view(-1, self.t, *f.shape[1:])
    def head(self, f): return self.new_fc(f.mean((3, 4))).mean(1)
    def forward(self, x): return self.head(self.features(x))
    def cam_weight(self): return self.new_fc.weight


def divisible(v):
    """torchvision's rounding of channel counts to a multiple of 8, by no more than a tenth downwards"""
    new = max(8, int(v + 4) // 8 * 8)
    return new + 8 if new < 0.9 * v else new


def conv6(cin, cout, k, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(cout), nn.ReLU6(inplace=True))


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand, t):
        super().__init__(); hidden = cin * expand; self.t = t
        self.shortcut = stride == 1 and cin == cout
        self.shifts = t is not None and self.shortcut and expand != 1   # as the TSM repository
        layers = [conv6(cin, hidden, 1)] if expand != 1 else []
        self.conv = nn.Sequential(*layers, conv6(hidden, hidden, 3, stride, hidden), nn.Conv2d(hidden, cout, 1, bias=False), nn.BatchNorm2d(cout))
    def forward(self, x):
        y = self.conv(shift(x, self.t, 8) if self.shifts else x)
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """key names of torchvision; `width` is the stem's channels, 32 in the published network"""
    def __init__(self, t, width=32):
        super().__init__(); c = lambda v: divisible(v * width / 32)
        layers, cin = [conv6(3, c(32), 3, 2)], c(32)
        for expand, cout, n, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for j in range(n): layers.append(InvertedResidual(cin, c(cout), stride if j == 0 else 1, expand, t)); cin = c(cout)
        self.out = divisible(1280 * max(1.0, width / 32))
        self.features = nn.Sequential(*layers, conv6(cin, self.out, 1))


class MobileNetTsm(nn.Module):
    def __init__(self, classes, t, width=32):
        super().__init__(); self.t = t
        self.base_model = MobileNetV2(t, width)
        self.new_fc = nn.Linear(self.base_model.out, classes)
    def features(self, x):
        f = self.base_model.features(x)
        return f.view(-1, self.t, *f.shape[1:])
    def head(self, f): return self.new_fc(f.mean((3, 4))).mean(1)
    def forward(self, x): return self.head(self.features(x))
    def cam_weight(self): return self.new_fc.weight


class GstBlock(nn.Module):
    def __init__(self, cin, planes, alpha, beta, stride, down):
        super().__init__(); self.beta = beta
        self.conv1 = nn.Conv3d(cin, planes, 1, bias=False); self.bn1 = nn.BatchNorm3d(planes)
        s = planes // beta; ct = planes // alpha
        self.conv2 = nn.Conv3d(s, ct * (alpha - 1), (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
        self.Tconv = nn.Conv3d(s, ct, 3, (1, stride, stride), 1, bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.conv3 = nn.Conv3d(planes, planes * 4, 1, bias=False); self.bn3 = nn.BatchNorm3d(planes * 4)
        self.downsample = nn.Sequential(nn.Conv3d(cin, planes * 4, 1, (1, stride, stride), bias=False), nn.BatchNorm3d(planes * 4)) if down else None
    def forward(self, x):
        y = relu(self.bn1(self.conv1(x)))
        a, b = (y, y) if self.beta == 1 else y.chunk(2, 1)
        y = relu(self.bn2(torch.cat((self.conv2(a), self.Tconv(b)), 1)))
        y = self.bn3(self.conv3(y))
        return relu(y + (x if self.downsample is None else self.downsample(x)))


class GstNet(nn.Module):
    def __init__(self, layers, alpha, beta, width):
        super().__init__()
        self.conv1 = nn.Conv3d(3, width, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False); self.bn1 = nn.BatchNorm3d(width)
        cin = width
        for i, n in enumerate(layers):
            planes, blocks = width * 2 ** i, []
            for j in range(n):
                stride = 2 if (i > 0 and j == 0) else 1
                blocks.append(GstBlock(cin, planes, alpha, beta, stride, j == 0)); cin = planes * 4
            setattr(self, f'layer{i + 1}', nn.Sequential(*blocks))
        self.n, self.out = len(layers), cin
    def forward(self, x):
        x = F.max_pool3d(relu(self.bn1(self.conv1(x))), (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for i in range(self.n): x = getattr(self, f'layer{i + 1}')(x)
        return x


class Gst(nn.Module):
    def __init__(self, layers, classes, t, alpha=4, beta=2, width=64):
        super().__init__(); self.t = t
        self.base_model = GstNet(layers, alpha, beta, width)
        self.new_fc = nn.Linear(self.base_model.out, classes)
    def features(self, x):
        v = x.view(-1, self.t, *x.shape[1:]).transpose(1, 2)
        return self.base_model(v).transpose(1, 2)          # N T C h w
    def head(self, f): return self.new_fc(f.mean((3, 4))).mean(1)
    def forward(self, x): return self.head(self.features(x))
    def cam_weight(self): return self.new_fc.weight


class ConvModule(nn.Module):
    def __init__(self, cin, cout, k, s, p, groups=1):
        super().__init__(); self.conv = nn.Conv3d(cin, cout, k, s, p, groups=groups, bias=False); self.bn = nn.BatchNorm3d(cout)
    def forward(self, x): return relu(self.bn(self.conv(x)))


class TemporalModulation(nn.Module):
    def __init__(self, cin, cout, scale, groups):
        super().__init__(); self.conv = nn.Conv3d(cin, cout, (3, 1, 1), 1, (1, 0, 0), groups=groups, bias=False); self.scale = scale
    def forward(self, x): return F.max_pool3d(self.conv(x), (self.scale, 1, 1), (self.scale, 1, 1), ceil_mode=True)


class Downsampling(nn.Module):
    def __init__(self, cin, cout, k, p, scale, groups=1, norm=False, act=False, before=False):
        super().__init__(); self.conv = nn.Conv3d(cin, cout, k, 1, p, groups=groups, bias=False)
        self.norm = nn.BatchNorm3d(cout) if norm else None; self.act, self.before, self.scale = act, before, scale
    def forward(self, x):
        pool = lambda v: F.max_pool3d(v, self.scale, self.scale, ceil_mode=True)
        if self.before: x = pool(x)
        x = self.conv(x)
        if self.norm is not None: x = self.norm(x)
        if self.act: x = relu(x)
        return x if self.before else pool(x)


class LevelFusion(nn.Module):
    def __init__(self, cin, mid, cout, scales, groups):
        super().__init__()
        self.ops = nn.ModuleList(Downsampling(c, m, 1, 0, s, groups, True, True, True) for c, m, s in zip(cin, mid, scales))
        self.fusion_conv = nn.Sequential(nn.Conv3d(sum(mid), cout, 1, bias=False), nn.BatchNorm3d(cout), nn.ReLU())
    def forward(self, xs): return self.fusion_conv(torch.cat([o(x) for o, x in zip(self.ops, xs)], 1))


class TpnNeck(nn.Module):
    def __init__(self, cin, planes, mid, cout, classes, scales, groups=32):
        super().__init__()
        self.aux_head = nn.Module()
        self.aux_head.convs = ConvModule(cin[-2], cin[-2] * 2, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.aux_head.fc = nn.Linear(cin[-2] * 2, classes)
        self.spatial_modulation = nn.Module()
        self.spatial_modulation.spatial_modulation = nn.ModuleList()
        for c in cin:
            ops, d = nn.ModuleList(), c
            while d < cin[-1]:
                ops.append(ConvModule(d, d * 2, (1, 3, 3), (1, 2, 2), (0, 1, 1))); d *= 2
            self.spatial_modulation.spatial_modulation.append(ops if len(ops) else nn.Identity())
        self.temporal_modulation_ops = nn.ModuleList(TemporalModulation(cin[-1], planes, s, groups) for s in scales)
        self.downsampling_ops = nn.ModuleList(Downsampling(planes, planes, (3, 1, 1), (1, 0, 0), (1, 1, 1)) for _ in cin[1:])
        one = [(1, 1, 1)] * len(cin)
        self.level_fusion_op = LevelFusion([planes] * len(cin), [mid] * len(cin), cout, one, groups)
        self.level_fusion_op2 = LevelFusion([planes] * len(cin), [mid] * len(cin), cout, one, groups)
        self.pyramid_fusion_op = nn.Sequential(nn.Conv3d(cout * 2, cout, 1, bias=False), nn.BatchNorm3d(cout), nn.ReLU())

    def forward(self, feats):
        aux = self.aux_head.fc(self.aux_head.convs(feats[-2]).mean((2, 3, 4)))     # dropout 0.5 omitted (eval)
        outs = []
        for f, ops in zip(feats, self.spatial_modulation.spatial_modulation):
            if isinstance(ops, nn.ModuleList):
                for o in ops: f = o(f)
            outs.append(f)
        outs = [m(o) for m, o in zip(self.temporal_modulation_ops, outs)]
        for i in range(len(outs) - 1, 0, -1): outs[i - 1] = outs[i - 1] + outs[i]   # upsampling scale (1,1,1)
        top_down = self.level_fusion_op2(outs)
        for i in range(len(outs) - 1): outs[i + 1] = outs[i + 1] + self.downsampling_ops[i](outs[i])  # continues from the top-down sums
        bottom_up = self.level_fusion_op(outs)
        return self.pyramid_fusion_op(torch.cat([top_down, bottom_up], 1)), aux


class Tpn(nn.Module):
    """TPN over a TSM backbone (something-something config): stages 3 and 4, temporal scales (T, T)."""
    def __init__(self, layers, classes, t, width=64, groups=32):
        super().__init__(); self.t = t
        self.backbone = ResNet(layers, 'tpn', t, Bottleneck, width)
        c3, c4 = width * 16, width * 32
        self.necks = TpnNeck([c3, c4], c3, c3, c4, classes, (t, t), groups)
        self.cls_head = nn.Module(); self.cls_head.fc_cls = nn.Linear(c4, classes)
    def backbone_features(self, x):
        outs = self.backbone.stages(x)
        return [o.view(-1, self.t, *o.shape[1:]).transpose(1, 2) for o in outs[-2:]]   # N C T h w
    def from_backbone(self, feats):
        fused, aux = self.necks(feats)
        return self.cls_head.fc_cls(fused.mean((2, 3, 4))), aux
    def forward(self, x): return self.from_backbone(self.backbone_features(x))
