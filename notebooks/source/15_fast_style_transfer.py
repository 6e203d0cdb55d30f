# %% [markdown] lesson="15" title="Fast style transfer: a network that paints in one pass" minutes=75 needs="14"
# You will be able to: train a network that repaints any photo in one pass, with the losses of lesson 14; say what instance norm takes out of a photo and why; and hold many styles in one
# network, and mix them.

# %% tags=["setup"]
import time

import torch
from torch.nn import functional as F

from course_utils import (
    check,
    explorers,
    gallery,
    layer_outputs,
    load_network,
    photo,
    quiz,
    show_images,
)
from course_utils.fun import STYLE_NAMES, StyleNet, load_style_net, style_transfer, stylize
from course_utils.fun.fast_style import style_rows
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.stimuli import style_image
from course_utils.training.styles import STYLE_WEIGHTS, Stage, train

# %%
# the result first: one photo in eight styles, one pass each
net = load_style_net()
temple = photo("china", 256, crop=False)
paintings = [stylize(net, temple, name)[0] for name in STYLE_NAMES]
show_images([temple[0], *paintings], ["photo", *STYLE_NAMES], columns=3, width=9)

# %% [markdown]
# One network painted all eight. It saw thousands of pieces of photos before, but never this photo, and it takes no steps: pixels go in, pixels come out. Lesson 14 needed minutes for eight pictures of this size.

# %%
# how much faster? one pass, and four steps of lesson 14 at the same size (about 10 seconds)
start = time.perf_counter()
for _ in range(3):
    stylize(net, temple, "night")
one_pass = (time.perf_counter() - start) / 3
vgg = load_network("vgg19")
start = time.perf_counter()
style_transfer(vgg, temple, style_image("night", 256), steps=4, scales=1)
one_step = (time.perf_counter() - start) / 5  # 4 updates look at the picture 5 times
print(
    f"one pass: {one_pass:.2f} s; 60 steps of lesson 14, from the time of 4: {60 * one_step:.0f} s"
)
print(f"ratio: about {60 * one_step / one_pass:.0f}")

# %% [markdown] notes="1" minutes=5
# Let the room guess the ratio before you run the cell. Then ask where the time went: it was spent once, in the training, for all photos that will ever come.

# %% [markdown]
# ## The idea
#
# In lesson 14 the **pixels** $x$ were changed until the loss was small, for one photo $p$ and one style $s$. Johnson et al. (2016) change the **weights** $\theta$ of a network $f_\theta$ instead:
#
# $$\min_x\; L(x;\,p,\,s) \qquad\longrightarrow\qquad \min_\theta\; \operatorname{mean}_{p}\; L\bigl(f_\theta(p);\,p,\,s\bigr) .$$
#
# - $L$: the content and style loss of lesson 14, from the features of VGG-19. VGG-19 stays as it is. It is the judge, and it is not needed after the training.
# - $f_\theta$: a network from pictures to pictures. It goes down to a quarter of the size, has eight residual blocks, and comes back up.
#
# Nobody shows the network what a painting should look like: there are photos, style pictures and a loss.

# %% [markdown] notes="1" minutes=4
# Write the two problems under each other: what is found, and for how many photos. Then ask where the style picture is when the network paints.

# %%
# the parts of the network, and how many weights each of them has
for name, part in net.named_children():
    print(f"{name:8s} {sum(p.numel() for p in part.parameters()):7d}")

# %% [markdown]
# Three details matter more than the rest: how features are **normalized**, how they are **enlarged**, and how **many styles** fit into one network. You will build all three.
#
# ## Instance norm
#
# In the head first. A channel of a photo holds the four numbers 1, 1, 3, 3; the same channel of a paler copy holds 11, 11, 12, 12. Subtract the mean, divide by the standard deviation. What is left of
# each? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=15
# Four numbers on the board, and everybody divides. Type 15.1: ask over which dimensions the mean runs, and what batch norm would take.
# Start the picture before you explain the hint.

# %%
# two pictures with one channel of 2 x 2
pair = torch.tensor([[[[1.0, 1.0], [3.0, 3.0]]], [[[11.0, 11.0], [12.0, 12.0]]]])  # (2, 1, 2, 2)
F.instance_norm(pair).round(decimals=2)

# %% [markdown]
# The same numbers. Brightness and contrast of the photo are gone, its pattern is still there. That is what a painter of styles wants: **the style says how strong the contrast is, not the photo.**
#
# For picture $n$ and channel $c$, with the mean $\mu_{nc}$ and the variance $\sigma_{nc}^2$ over all positions of *this* picture,
#
# $$y_{nc} = \gamma_c\, \frac{x_{nc} - \mu_{nc}}{\sqrt{\sigma_{nc}^2 + \varepsilon}} + \beta_c .$$
#
# - $\gamma_c, \beta_c$: learned numbers, the new scale and the new mean.
# - $\varepsilon$: a small number that keeps a flat channel from being divided by 0.
#
# Batch norm is the same with *one* $\mu_c$ and $\sigma_c$ for the whole batch, and after the training with fixed ones. Then a pale photo stays pale.

# %% [markdown] exercise="15.1" title="Build it: instance norm" points=3 difficulty=2 importance=5 minutes=10 own="course_utils.fun:instance_norm"
# The variance is the mean of the squared differences (divided by $H \cdot W$, not by $H \cdot W - 1$). $\varepsilon$ is added to it before the root is taken.


# %% exercise="15.1"
def instance_norm(features, gamma, beta, eps):
    """Normalize each channel of each picture, then scale and shift.

    features: (N, C, H, W); gamma, beta: (C,); eps: a number
    returns: (N, C, H, W)
    """
    ### BEGIN SOLUTION
    mean = features.mean(dim=(2, 3), keepdim=True)
    variance = features.var(dim=(2, 3), keepdim=True, unbiased=False)
    normal = (features - mean) / (variance + eps).sqrt()
    return gamma[:, None, None] * normal + beta[:, None, None]
    ### END SOLUTION


check("15.1", instance_norm)

# %% [markdown] fold="Hint"
# `features.mean(dim=(2, 3), keepdim=True)` has shape `(N, C, 1, 1)` and broadcasts. `gamma[:, None, None]` has shape `(C, 1, 1)`.

# %% [markdown] solution="15.1"
# The dimensions 2 and 3 are the positions. The sum does not run over dimension 0 (that would be batch norm) nor over dimension 1 (layer norm).

# %% picture="15.1"
# a layer of VGG-19 for the temple and for a pale copy: as it is, and after your instance norm
pale = 0.3 * temple + 0.35
seen = layer_outputs(vgg, torch.cat([temple, pale]), ["conv2_1"])["conv2_1"]
ones = torch.ones(seen.shape[1])
normal = instance_norm(seen, ones, 0 * ones, 1e-5)
k = 5
scales = [seen[:, k].abs().max() * 2, torch.tensor(8.0)]
maps = [0.5 + x[i, k] / s for x, s in zip([seen, normal], scales, strict=True) for i in (0, 1)]
titles = ["channel, temple", "channel, pale copy", "normalized, temple", "normalized, pale copy"]
show_images([m.clamp(0, 1)[None] for m in maps], titles, columns=4, width=10)

# %% [markdown]
# ## Train a small one yourself
#
# Two networks, twelve channels wide, with the same start and the same photos: one with instance norm, one with batch norm. One style (`mosaic`), 70 steps, crops of 64 pixels, and VGG-19 only as far as
# `relu3_1`. That is about a five-hundredth of the paper's training. A loss of 1 means that the photo was left as it is.

# %% [markdown] notes="1" minutes=8
# Start the training first. While it runs, ask which of the two networks knows how pale a photo was. Collect votes before the next cell.

# %%
# 70 steps each, and the mean loss of every ten (about 30 seconds)
with_color = [
    p.name for p in gallery() if "gray" not in p.source and p.name not in ("china", "hubble")
]
crops_of = [(photo(name, (200, 260))[0] * 255).to(torch.uint8) for name in with_color]
judge = PerceptualLoss(
    vgg,
    [style_image("mosaic", 192)],
    style_weights=[20],
    content_layers=["relu2_2"],
    style_layers=["relu1_1", "relu2_1", "relu3_1"],
)
small, curves = {}, {}
for norm in ("instance", "batch"):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        small[norm] = StyleNet(["mosaic"], widths=(12, 24, 48), blocks=2, norm=norm)
    plan = [Stage(64, 4, 70)]
    curves[norm] = train(small[norm], judge, crops_of, stages=plan, lr=4e-3, log_every=10)
for norm, curve in curves.items():
    print(f"{norm:9s}", "  ".join(f"{entry['loss']:.2f}" for entry in curve))

# and on a photo that neither of them has seen
unseen = photo("china", 192, crop=False)
keep, zero = judge.content(unseen), torch.zeros(1, dtype=torch.long)  # style number 0
with torch.no_grad():
    untouched = judge(unseen, keep, zero)
    for norm, one in small.items():
        loss = judge(stylize(one, unseen, "mosaic"), keep, zero) / untouched
        print(f"the temple, by {norm} norm: {loss.item():.2f} of the untouched photo's loss")

# %% [markdown]
# The loss falls for both, and jumps: each number is a mean over 10 steps with one crop each. The temple was never trained on, and its loss fell too: what was learned holds for other photos.
#
# **Predict, run, explain.** Both networks now get the temple and its pale copy. Which of them paints the pale copy as strongly as the temple? Write it down, then run the cell.

# %%
# the temple and a pale copy, by both networks
both = torch.cat([unseen, 0.3 * unseen + 0.35])
by = {norm: stylize(one, both, "mosaic") for norm, one in small.items()}
row = [both[0], by["instance"][0], by["batch"][0], both[1], by["instance"][1], by["batch"][1]]
titles = ["temple", "instance norm", "batch norm", "pale copy", "instance norm", "batch norm"]
show_images(row, titles, columns=3, width=9)

# %% [markdown]
# Instance norm paints both alike: the same marks in the same strength. Behind batch norm the pale photo's features are weaker, and so is the paint: the photo's contrast **leaks** through.

# %% [markdown]
# ## Enlarging without a checkerboard
#
# The way back up doubles the size twice. A *transposed* convolution with stride 2 writes a 3 × 3 patch for every pixel, two pixels apart. In the head: along a line of four pixels, how often is each place of the result
# written? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=10
# Count the writes with pencil marks under four pixels. Then the exercise: three lines.

# %%
# all ones, along one line: a transposed convolution, and repeated pixels with a convolution
line, three = torch.ones(1, 1, 4), torch.ones(1, 1, 3)
print(F.conv_transpose1d(line, three, stride=2)[0, 0].tolist())
repeated = F.pad(line.repeat_interleave(2, dim=2), (1, 1), mode="reflect")
print(F.conv1d(repeated, three)[0, 0].tolist())

# %% [markdown]
# 1, 1, 2, 1, 2, ...: every second place gets twice as much, and a flat area becomes striped. In two dimensions this is a checkerboard. Repeated pixels give every place three contributions. And a border of mirrored
# pixels (*reflection padding*) makes no dark frame, as a border of zeros would.

# %% [markdown] exercise="15.2" title="The layer that enlarges" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.fun.style_layers:Layer"
# Repeat every pixel twice in both directions, mirror a border of one pixel, convolve with `weight` (no bias).


# %% exercise="15.2"
def enlarge(features, weight):
    """Twice the size: repeat each pixel, reflect the border, convolve.

    features: (N, C, H, W); weight: (O, C, 3, 3)
    returns: (N, O, 2 H, 2 W)
    """
    ### BEGIN SOLUTION
    large = F.interpolate(features, scale_factor=2, mode="nearest")
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode="reflect"), weight)
    ### END SOLUTION


check("15.2", enlarge)

# %% [markdown] fold="Hint"
# `F.interpolate(features, scale_factor=2, mode="nearest")` repeats pixels, `F.pad(x, (1, 1, 1, 1), mode="reflect")` mirrors one pixel on every side, `F.conv2d(x, weight)` does the rest.

# %% picture="15.2"
# a photo through your layer and through a transposed convolution with a box as its filter
blur = torch.tensor([1.0, 2.0, 1.0])
blur = (blur[:, None] * blur / 16 * torch.eye(3)[:, :, None, None]).contiguous()
tiny = photo("flower", 48)
box = torch.ones(3, 3, 3, 3) / 9 * torch.eye(3)[:, :, None, None]
striped = 2.2 * F.conv_transpose2d(tiny, box, stride=2)  # 2.2: about as bright as the photo
even = F.conv_transpose2d(tiny, 4 * blur, stride=2)
show_images(
    [tiny[0], enlarge(tiny, blur)[0], striped.clamp(0, 1)[0], even.clamp(0, 1)[0]],
    ["48 pixels", "your layer", "transposed, box", "transposed, your filter"],
    columns=4,
    width=9,
)

# %% [markdown] solution="15.2"
# The filter smooths the steps between the repeated pixels. (Here mirroring puts the border pixel itself outside, since it was just repeated. With a wider border it would not.) A transposed convolution makes stripes with most filters, such as the box, because its outputs get one, two or four summands in turn. With the filter 1, 2, 1 it makes none: it *can* learn weights without stripes. The layer here cannot make them from its geometry.

# %% [markdown]
# ## The loss of a batch
#
# In the training, a batch holds several photos, each with its own style. The style loss must be computed for each picture by itself.

# %% [markdown] notes="1" minutes=9
# Let them run the bug: nothing complains. Ask for the shapes, line by line.

# %% [markdown] exercise="15.3" title="Spot the bug: one Gram matrix for all" points=2 difficulty=3 importance=4 minutes=8 own="course_utils.fun:PerceptualLoss"
# `features` come from a batch of painted pictures, `targets[n]` is the Gram matrix of the style that picture `n` is to have (divided by its positions). The function should return a style loss for each picture. Run the cell
# as it is, and repair it.


# %% exercise="15.3"
def style_losses(features, targets):
    """The style loss of each picture: the mean squared difference of its Gram matrix and its target.

    features: (N, C, H, W); targets: (N, C, C)
    returns: (N,)
    """
    ### BEGIN SOLUTION
    flat = features.flatten(2)
    grams = flat @ flat.transpose(1, 2) / flat.shape[2]
    return ((grams - targets) ** 2).mean(dim=(1, 2))
    ### END SOLUTION
    ### BEGIN STUB
    # flat = features.transpose(0, 1).flatten(1)
    # grams = flat @ flat.T / flat.shape[1]
    # return ((grams - targets) ** 2).mean(dim=(1, 2))
    ### END STUB


check("15.3", style_losses)

# %% [markdown] fold="Hint"
# Which shape does `grams` have, and which shape should it have? `flat @ flat.transpose(1, 2)` multiplies a batch of matrices.

# %% [markdown] solution="15.3"
# With the bug, the *average* picture of the batch is to have the style. One picture may then be all stars and another one all hills. No error is raised: `(C, C)` broadcasts against `(N, C, C)`.

# %% uses="15.3"
# the style losses (of relu3_1) of the temple as "night", "mosaic" and "ink", each against the style of the night
three = torch.stack([paintings[STYLE_NAMES.index(n)] for n in ("night", "mosaic", "ink")])
found = layer_outputs(vgg, three, ["relu3_1"])["relu3_1"]
wanted = layer_outputs(vgg, style_image("night", 256), ["relu3_1"])["relu3_1"].flatten(2)
target = wanted @ wanted.transpose(1, 2) / wanted.shape[2]
losses = style_losses(found, target.expand(3, -1, -1))
print("relative to the first:", (losses / losses[0]).round(decimals=1).tolist())

# %% [markdown]
# ## One network, many styles
#
# Eight styles, eight networks? Dumoulin et al. (2017) found that it is enough to give each style **its own $\gamma$ and $\beta$**. All filters are shared. With one row of $\gamma$ and $\beta$ for each style and the shares
# $w_{ns}$ of the styles in picture $n$:
#
# $$\gamma_{nc} = \sum_s w_{ns}\,\Gamma_{sc}, \qquad \beta_{nc} = \sum_s w_{ns}\,B_{sc} .$$
#
# A share of 1 picks a style; other shares mix them. This is called *conditional instance norm*.

# %% [markdown] notes="1" minutes=12
# Ask for a guess before the cell: which part of the weights belongs to one style? Then 15.4, which is 15.1 with a row for each picture.

# %%
# how many of the network's weights belong to a single style?
own = sum(p[0].numel() for p in style_rows(net))
everything = sum(p.numel() for p in net.parameters())
shared = everything - len(STYLE_NAMES) * own
print(f"shared: {shared}; each style's own: {own} ({own / everything:.1%})")

# %% [markdown] exercise="15.4" title="Build it: conditional instance norm" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.fun:ConditionalInstanceNorm"
# Normalize as in 15.1 with $\varepsilon = 10^{-5}$, then scale and shift each picture with its own mixture of rows.


# %% exercise="15.4"
def conditional_norm(features, gammas, betas, mix):
    """Instance norm in a mixture of styles.

    features: (N, C, H, W); gammas, betas: (S, C), a row for each style
    mix: (N, S), the shares of the styles in each picture; each row adds up to 1
    returns: (N, C, H, W)
    """
    ### BEGIN SOLUTION
    mean = features.mean(dim=(2, 3), keepdim=True)
    variance = features.var(dim=(2, 3), keepdim=True, unbiased=False)
    normal = (features - mean) / (variance + 1e-5).sqrt()
    gamma, beta = mix @ gammas, mix @ betas
    return gamma[:, :, None, None] * normal + beta[:, :, None, None]
    ### END SOLUTION


check("15.4", conditional_norm)

# %% [markdown] fold="Hint"
# `mix @ gammas` has shape `(N, C)`: a row of $\gamma$ for each picture. Add two dimensions at its end to broadcast it over the positions.

# %% uses="15.4"
# your function in the place of the network's own: the same picture?
first = net.first
x = F.pad(2 * temple - 1, (2, 2, 2, 2), mode="reflect")
shares = torch.tensor([[0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]])
convolved = first.convolution(x)
ours = conditional_norm(convolved, first.norm.gamma, first.norm.beta, shares)
print("largest difference:", f"{(ours - first.norm(convolved, shares)).abs().max():.0e}")

# %% [markdown] solution="15.4"
# Mixing the rows and mixing the layer's outputs is the same here, since both are linear in $\gamma$ and $\beta$. It is not the same for the whole network: between the layers there are ReLUs.

# %% [markdown]
# **Predict, run, explain.** Half night, half mosaic: (a) like two pictures laid over each other, each half transparent, or (b) something else? Write it down, then run the cell.

# %%
# from night to mosaic in the rows, and for comparison half of each in the pixels
portrait = photo("cat", 224)
shares = [0, 0.25, 0.5, 0.75, 1]
steps = [stylize(net, portrait, {"night": 1 - w, "mosaic": w})[0] for w in shares]
overlay = (steps[0] + steps[-1]) / 2
titles = [f"{w:.0%} mosaic" for w in shares] + ["pixels, half and half"]
show_images([*steps, overlay], titles, columns=3, width=9)

# %% [markdown]
# The answer is (b). The overlay shows both pictures at once. The mixture in the rows is one picture, painted by filters that are scaled between the two styles. It is no equal mixture of what you see in both: with half and half, few strokes are left, and it is paler than the overlay.

# %% [markdown] notes="1" minutes=4
# Ask for other pairs and try them: `stylize(net, portrait, {"ink": 2, "waves": 1})`. Weights are used as shares of their sum.

# %% [markdown]
# ## Explore
#
# Each slider is the share of a style. The picture follows at once: it is one pass.
#
# - Raise a second style slowly. Which comes first, its colors or its strokes?
# - All eight at 1: what is left of each?
# - Take a photo of your own. Which style keeps the face, and which one loses it?

# %%
# mix styles
explorers.ManyStyles(net)

# %% [markdown]
# ## What this picture does not show
#
# Does the network *find* the style, or does it only hold it? **Predict first:** in every layer we exchange the rows of a style with the same numbers in another order, so that each channel gets another channel's $\gamma$ and
# $\beta$. All filters stay. Will the painting be (a) hardly different, (b) a picture without any mosaic?

# %% [markdown] notes="1" minutes=5
# Votes before the cell: hardly different, or without any mosaic?

# %%
# the rows of all layers, shuffled from channel to channel; and a picture of one gray with a little noise
shuffled = load_style_net()
generator = torch.Generator().manual_seed(0)
for layer in shuffled.modules():
    if hasattr(layer, "gamma"):
        order = torch.randperm(layer.gamma.shape[1], generator=generator)
        layer.gamma.data, layer.beta.data = layer.gamma[:, order], layer.beta[:, order]
nothing = 0.5 + 0.02 * torch.randn(1, 3, 224, 224, generator=generator)
show_images(
    [
        stylize(net, portrait, "mosaic")[0],
        stylize(shuffled, portrait, "mosaic")[0],
        nothing[0],
        stylize(net, nothing, "mosaic")[0],
    ],
    ["mosaic", "rows shuffled", "nothing", "nothing, as mosaic"],
    columns=4,
    width=10,
)

# %% [markdown]
# The answer is (b). With shuffled rows the cat is still there and the mosaic is gone: the style sits in the pairs of filters and rows. And out of nothing the network paints its patterns as well. **Strokes in a painting are no evidence of anything in the photo:** instance norm takes faint
# noise and gives it full strength.

# %%
# what does one pass give away? the loss against an optimization of this photo (about 20 seconds)
scene = photo("coffee", 128)
names = ["night", "mosaic", "ink"]
for name in names:
    weight, style = STYLE_WEIGHTS[name], style_image(name, 256)
    loss = PerceptualLoss(vgg, [style], style_weights=[weight])
    best = style_transfer(vgg, scene, style, style_weight=weight, steps=15, scales=1)
    pictures = torch.cat([scene, stylize(net, scene, name), best])
    content = {k: v.expand(3, -1, -1, -1) for k, v in loss.content(scene).items()}
    with torch.no_grad():
        values = loss(pictures, content, torch.zeros(3, dtype=torch.long))
    print(
        f"{name:7s} photo 1.00, one pass {values[1] / values[0]:.2f}, 15 steps {values[2] / values[0]:.2f}"
    )

# %% [markdown]
# One pass takes the loss a good part of the way. An optimization of the very photo gets lower within seconds, since it works on this photo and no other. Training longer, and a wider network, narrow the gap. (`data/weights/styles.md` says how far the
# course's own network came, and how long it was trained.)
#
# Other limits, in one sentence each:
#
# - The network knows its eight styles and their mixtures; a ninth one needs training.
# - The size of the strokes is fixed in pixels: a larger photo gets relatively finer strokes.
# - Three lines decide what "content" is: the judge is VGG-19 here as well, with all that lesson 14 said about it.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("15")

# %% [markdown]
# ## Summary
#
# - The same loss as in lesson 14, minimized over a network's weights: minutes or hours once, then a fraction of a second for each picture.
# - Instance norm takes brightness and contrast of the photo out, channel by channel, picture by picture. Batch norm lets them leak.
# - Repeat pixels, reflect the border, convolve: no checkerboard, no frame.
# - Many styles: shared filters, one row of $\gamma$ and $\beta$ for each style. Mixtures of rows are mixtures of styles.
#
# **Papers.** Johnson, Alahi, Fei-Fei: *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016. Ulyanov, Vedaldi, Lempitsky: *Instance Normalization: The Missing Ingredient for Fast Stylization*, 2016. Dumoulin,
# Shlens, Kudlur: *A Learned Representation for Artistic Style*, ICLR 2017. Odena, Dumoulin, Olah: *Deconvolution and Checkerboard Artifacts*, Distill 2016.
