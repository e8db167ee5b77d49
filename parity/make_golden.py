"""Writes the golden fixtures of crates/taf/tests/golden/: small instances of TSN, TSM (also on MobileNetV2), TAM, TEA, GST
and TPN whose weights come from a hash of the parameter's name (nothing to ship), with the numbers PyTorch computes for them.
usage: make_golden.py OUTDIR
"""
import argparse, json, math, os, struct
import numpy as np, torch, torch.nn.functional as F
import reference_models as R

MASK = (1 << 64) - 1

def fnv1a(s):
    h = 0xcbf29ce484222325
    for b in s.encode(): h = ((h ^ b) * 0x100000001b3) & MASK
    return h

def unit(name, n):
    """n floats in [0,1): splitmix64(fnv1a(name) + i) >> 40, over 2^24, exactly representable in f32"""
    with np.errstate(over='ignore'):
        z = np.uint64(fnv1a(name)) + np.arange(n, dtype=np.uint64) + np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float32) / np.float32(16777216.0))

def fill(name, shape):
    n = int(np.prod(shape)) if shape else 1
    u = unit(name, n)
    if name.endswith('running_var'): lo, hi = 0.5, 1.5
    elif name.endswith('running_mean') or name.endswith('bias'): lo, hi = -0.2, 0.2
    elif len(shape) == 1: lo, hi = 0.5, 1.5
    else:
        a = float(np.float32(math.sqrt(6.0 / np.prod(shape[1:])))); lo, hi = -a, a
    lo, hi = np.float32(lo), np.float32(hi)
    return (lo + (hi - lo) * u).reshape(shape)

def load(m):
    sd = m.state_dict()
    for k, v in sd.items():
        if k.endswith('num_batches_tracked'): continue
        sd[k] = torch.from_numpy(np.ascontiguousarray(fill(k, tuple(v.shape))))
    m.load_state_dict(sd); return m

def cam_weights(model, x, y):
    """per-clip channel weights [N,C] of the class-activation map of class y. GAP+FC heads: the classifier row.
    TPN: Grad-CAM on the last backbone stage: mean over (t,h,w) of d logit_y / d feature, held constant."""
    if hasattr(model, 'cam_weight'): return model.cam_weight()[y].detach()
    feats = [f.detach() for f in model.backbone_features(x)]
    feats[-1].requires_grad_(True)
    logits, _ = model.from_backbone(feats)
    g = torch.autograd.grad(logits.gather(1, y[:, None]).sum(), feats[-1])[0]
    return g.mean((2, 3, 4)).detach()

def features(model, x):                       # [N,T,C,h,w]
    if hasattr(model, 'cam_weight'): return model.features(x)
    return model.backbone_features(x)[-1].transpose(1, 2)

def attention(model, x, y, w, how):
    """[N,T] rows that sum to 1. 'relu': share of the positive CAM mass (uniform where no frame has any).
    'softmax': softmax over frames of the spatial mean of the CAM, temperature 1."""
    f = features(model, x)
    cam = (f * w[:, None, :, None, None]).sum(2)                  # [N,T,h,w]
    if how == 'softmax': return cam.mean((2, 3)).softmax(1), cam
    mass = torch.relu(cam).sum((2, 3))                            # [N,T]
    total = mass.sum(1, keepdim=True)
    t = mass.shape[1]
    a = torch.where(total > 0, mass / total.clamp_min(1e-12), torch.full_like(mass, 1.0 / t))
    return a, cam

def save(path, tensors, meta):
    hdr, off, blobs = {'__metadata__': {k: json.dumps(v) for k, v in meta.items()}}, 0, []
    for k, v in tensors.items():
        v = np.ascontiguousarray(v); dt = {'float32': 'F32', 'int64': 'I64'}[str(v.dtype)]
        b = v.tobytes(); hdr[k] = {'dtype': dt, 'shape': list(v.shape), 'data_offsets': [off, off + len(b)]}; off += len(b); blobs.append(b)
    h = json.dumps(hdr).encode(); h += b' ' * (-len(h) % 8)
    with open(path, 'wb') as f: f.write(struct.pack('<Q', len(h))); f.write(h); [f.write(b) for b in blobs]

def golden(kind, cfg, out):
    n, t, s, k, layers, width = cfg['clips'], cfg['frames'], cfg['size'], cfg['classes'], cfg['layers'], cfg['width']
    build = {'tsn': lambda: R.Tsn2d('tsn', layers, k, t, R.Bottleneck, width), 'tsm': lambda: R.Tsn2d('tsm', layers, k, t, R.Bottleneck, width),
             'tsm_basic': lambda: R.Tsn2d('tsm', layers, k, t, R.BasicBlock, width),
             'tam': lambda: R.Tsn2d('tam', layers, k, t, R.Bottleneck, width), 'tea': lambda: R.Tsn2d('tea', layers, k, t, width=width),
             'gst': lambda: R.Gst(layers, k, t, 4, cfg.get('beta', 2), width),
             'mobilenet_tsm': lambda: R.MobileNetTsm(k, t, width),
             'tpn': lambda: R.Tpn(layers, k, t, width, cfg.get('groups', 32))}[kind]
    m = load(build()).eval()
    x = torch.from_numpy(2 * unit('input', n * t * 3 * s * s) - 1).reshape(n * t, 3, s, s)
    y = torch.arange(n) * 3 % k
    T = {}
    logits = m(x); aux = None
    if isinstance(logits, tuple): logits, aux = logits; T['eval.aux_logits'] = aux.detach().numpy()
    T['eval.logits'] = logits.detach().numpy()
    T['eval.loss'] = F.cross_entropy(logits, y).detach().numpy().reshape(1)
    c = logits.detach().argmax(1); T['eval.cam_class'] = c.numpy()           # attention is taken for the predicted class here
    w = cam_weights(m, x, c); T['eval.cam_weights'] = w.numpy()
    for how in ('relu', 'softmax'):
        xx = x.clone().requires_grad_(True); a, cam = attention(m, xx, c, w, how)
        T['eval.cam'], T[f'eval.{how}.attention'] = cam.detach().numpy(), a.detach().numpy()
        # minor frames: the floor(T/2) frames with the least attention on the natural clip; ties go to the earlier frame
        order = torch.argsort(a.detach(), dim=1, stable=True); minor = torch.zeros_like(a).scatter_(1, order[:, : t // 2], 1.0)
        T[f'eval.{how}.minor'] = minor.numpy()
        loss = (a * minor).sum(1).clamp_min(1e-12).log().sum()               # 'shift': log attention mass of the minor frames
        T[f'eval.{how}.shift_loss'] = loss.detach().numpy().reshape(1)
        T[f'eval.{how}.shift_input_grad'] = torch.autograd.grad(loss, xx, retain_graph=True)[0].numpy()
        ent = -(a * a.clamp_min(1e-12).log()).sum()                          # 'entropy' (nats)
        T[f'eval.{how}.entropy_loss'] = ent.detach().numpy().reshape(1)
        T[f'eval.{how}.entropy_input_grad_norm'] = torch.autograd.grad(ent, xx)[0].norm().numpy().reshape(1)
    xx = x.clone().requires_grad_(True); lg = m(xx); lg = lg[0] if isinstance(lg, tuple) else lg
    T['eval.ce_input_grad'] = torch.autograd.grad(F.cross_entropy(lg, y, reduction='sum'), xx)[0].numpy()
    # one training-mode pass: batch statistics, gradients of the mean cross-entropy, running statistics after it (momentum 0.1)
    m = load(build()).train(); xx = x.clone().requires_grad_(True)
    lg = m(xx); loss = None
    if isinstance(lg, tuple): lg, aux = lg; loss = F.cross_entropy(lg, y) + 0.5 * F.cross_entropy(aux, y)
    else: loss = F.cross_entropy(lg, y)
    loss.backward()
    T['train.logits'], T['train.loss'] = lg.detach().numpy(), loss.detach().numpy().reshape(1)
    names = [k for k, p in m.named_parameters()]
    T['train.param_grad_norm'] = np.array([p.grad.norm().item() for _, p in m.named_parameters()], dtype=np.float32)
    T['train.param_grad_first8'] = np.stack([np.pad(p.grad.reshape(-1)[:8].numpy(), (0, max(0, 8 - p.numel()))) for _, p in m.named_parameters()])
    T['train.input_grad'] = xx.grad.numpy()
    stats = [k for k in m.state_dict() if k.endswith('running_mean') or k.endswith('running_var')]
    T['train.running_stat_first4'] = np.stack([np.pad(m.state_dict()[k].reshape(-1)[:4].numpy(), (0, max(0, 4 - m.state_dict()[k].numel()))) for k in stats])
    meta = dict(kind=kind, **cfg, labels=y.tolist(), parameters=names, running_stats=stats, torch=torch.__version__,
                shapes={k: list(v.shape) for k, v in m.state_dict().items() if not k.endswith('num_batches_tracked')})
    save(os.path.join(out, f'{kind}.safetensors'), {k: np.asarray(v) for k, v in T.items()}, meta)
    print(kind, {k: tuple(np.asarray(v).shape) for k, v in T.items() if 'grad' not in k}, 'loss', T['eval.loss'], 'att', T['eval.relu.attention'].round(3).tolist(), T['eval.softmax.attention'].round(3).tolist(), 'gradnorm', float(np.linalg.norm(T['eval.relu.shift_input_grad'])))

if __name__ == '__main__':
    kinds = ('tsn', 'tsm', 'tsm_basic', 'tam', 'tea', 'gst', 'tpn', 'mobilenet_tsm')
    p = argparse.ArgumentParser(); p.add_argument('out'); p.add_argument('--kinds', nargs='+', choices=kinds, default=kinds)
    p.add_argument('--set', nargs='*', default=[], metavar='KEY=JSON', help='another instance, e.g. frames=16 layers=[1,1] beta=1 (GST-Large)')
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True); torch.manual_seed(0); torch.set_num_threads(1)
    base = dict(clips=2, frames=4, size=48, classes=7, layers=[1, 2, 1, 1], width=16, groups=8)
    base.update({k: json.loads(v) for k, v in (s.split('=') for s in a.set)})
    # at width 16 an activation of MobileNet stands within rounding of the ceiling of ReLU6
    # TEA's groups of channels are 26/64 of the width, and even at width 10; in more stages its features grow until the
    # softmax is all on one frame
    own = dict(mobilenet_tsm=dict(width=8), tea=dict(width=10, layers=[2, 1]))
    for kind in a.kinds: golden(kind, {**base, **own.get(kind, {})}, a.out)
