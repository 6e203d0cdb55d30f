# %% [markdown] lesson="15" title="Fast style transfer: a network that paints in one pass" minutes=103 needs="14"
# You will be able to: write the training of a network that repaints any photo in one pass, with the losses of lesson 14; say what instance norm takes out of a photo and why; hold many styles in
# one network and mix them; and add a style of your own.

# %% tags=["setup"]
import time

import torch
from IPython.display import display
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
from course_utils.explorers.fast_style import OwnStyle
from course_utils.fun import (
    STYLE_NAMES,
    PerceptualLoss,
    StyleNet,
    add_style,
    load_style_net,
    new_style,
    save_style_net,
    style_transfer,
    stylize,
)
from course_utils.fun.fast_style import style_rows
from course_utils.plots import new_figure
from course_utils.stimuli import style_image
from course_utils.training.styles import STYLE_WEIGHTS, crops, style_picture

# %%
# the result first: one photo in eight styles, one pass each; each style stands beside its painting
net = load_style_net()
temple = photo("china", 256, crop=False)
paintings = [stylize(net, temple, name)[0] for name in STYLE_NAMES]
beside = [
    picture
    for name, painting in zip(STYLE_NAMES, paintings, strict=True)
    for picture in (style_image(name, 171)[0], painting)
]
titles = [title for name in STYLE_NAMES for title in (f"{name}, the style", name)]
display(show_images([temple[0]], ["photo"], width=3))
show_images(beside, titles, columns=4, width=9)

# %% [markdown]
# One network painted all eight. (Which of them are good, and which are not at their end, the last section says in numbers.) It has seen pieces of 480 other photos, but never this one, and it takes no steps: pixels go in, pixels come out. No style picture goes in.

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
print(f"60 steps take about {60 * one_step / one_pass:.0f} times as long as one pass")

# %% claim="one pass takes less than a twentieth of 60 steps of lesson 14"
assert one_pass < 60 * one_step / 20

# %% [markdown] notes="1" minutes=5
# Let the room guess the ratio before you run the cell. The two pictures are not equally good: the last cell of the lesson compares them, and there 15 steps already get below one pass. So at equal loss the ratio is at most a quarter of the printed one. Then ask where the time went: it was spent once, in the training, for all photos that will ever come.

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
# Nobody shows the network what a painting should look like: there are photos, style pictures and a loss. Ulyanov et al. (2016) trained such networks in the same year and called them *texture networks*; from noise they make
# textures, from noise and a photo paintings.
#
# Johnson's network has batch norm, five blocks, transposed convolutions and VGG-16 as its judge; ours has instance norm, eight blocks, repeated pixels and VGG-19. Two things more are ours. The features on the way down are **added** on the way up. And the last layer does not paint the whole picture: it says what to
# **change** about the photo, whose colors the network first mixes anew by a 3 × 3 matrix. (First the logit, which is the sigmoid turned around, makes numbers of any size of the pixels; a sigmoid at the very end makes pixels of them again.) Before the training the matrix is the identity and the last layer is 0. So an untrained network gives back the photo.

# %% [markdown] notes="1" minutes=4
# Write the two problems under each other: what is found, and for how many photos. Then ask where the style picture is when the network paints.

# %%
# the parts of the network, and how many weights each of them has
for name, part in net.named_children():
    print(f"{name:8s} {sum(p.numel() for p in part.parameters()):7d}")
print(f"colors   {net.color.numel() + net.shift.numel():7d}")

# %% claim="an untrained network gives back the photo"
assert (stylize(StyleNet(["any"]), temple, "any") - temple).abs().max() < 1e-3

# %% [markdown]
# Three details need an explanation: how features are **normalized**, how they are **enlarged**, and how **many styles** fit into one network. You will build all three.
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
# The same numbers. Brightness and contrast of the photo are gone, its pattern is still there. That is what a painter of styles wants: **the style says how strong the strokes are, not the photo's contrast.** (Ulyanov, Vedaldi and Lempitsky, 2016, put this norm into such a network in place of batch norm.)
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
stds = [x[i, k].std().item() for x in (seen, normal) for i in (0, 1)]
names = ["temple", "pale copy", "temple, normalized", "pale copy, normalized"]
titles = [f"{name}: ±{one:.1f}" for name, one in zip(names, stds, strict=True)]
panels = [
    *(seen[:, k] / seen[:, k].max()),
    *((normal[:, k] + 3) / 6),
]  # one gray scale for each pair
show_images(panels, titles, columns=4, width=10, vmin=0, vmax=1)

# %% [markdown]
# The numbers are standard deviations over the channel. Before the norm the pale copy has about a third; behind it both have 1.

# %% claim="a channel of the pale copy has about a third of the spread; behind instance norm both have the same"
assert 0.2 < stds[1] / stds[0] < 0.5
assert abs(stds[3] / stds[2] - 1) < 0.02

# %% [markdown]
# ## Train one yourself
#
# Nothing in the training is new. One step: paint some photos, ask the judge, go backward, let Adam turn the weights. The next step takes other photos. In the head first: lesson 13 went down with Adam, too. Which numbers did it
# turn there, and which does it turn here? *(Think, then write.)*

# %% [markdown] notes="1" minutes=22
# Pixels there, weights here: the same four lines. While the training runs, ask which of the two networks knows how pale a photo was. Collect votes before the pictures.

# %% [markdown] exercise="15.2" title="Build it: the training" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.training.styles:train"
# Make **one** `torch.optim.Adam` for the weights of `net`. Then one step for each batch: the loss of the step is the mean of what `judge` says of the painted pictures.


# %% exercise="15.2"
def train(net, judge, batches, lr):
    """Train a network, one step of Adam for each batch. Its weights change.

    net: net(photos) paints, (N, 3, H, W) -> (N, 3, H, W)
    judge: judge(pictures, photos) gives the loss of each picture, (N,)
    batches: a list of photos, each (N, 3, H, W); lr: of Adam
    returns: a list with the loss of each step, a number, as it was before the step
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for photos in batches:
        loss = judge(net(photos), photos).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION


check("15.2", train)

# %% [markdown] fold="Hint"
# The toy of lesson 13 has the four lines: `zero_grad()`, the loss, `backward()`, `step()`. `net.parameters()` are the weights. `loss.item()` makes a number of a tensor with one element; without it every step's graph stays in memory.

# %% [markdown] solution="15.2"
# The judge's weights are no parameters of `net`, so Adam does not turn them. The gradient goes *through* the judge, from the loss to the picture, and on into the network.

# %% [markdown]
# There the pixels of one picture, here the weights of the network. Now train. Two networks, twelve channels wide, with the same start and the same photos: one with instance norm, one with batch norm. One style (`woodcut`), 50 steps, crops of 64 pixels, and VGG-19 only as far as
# `relu3_1`. A step has four photos; the network of the first picture saw more than sixty times as many pieces of photos.
#
# **Predict, run, explain.** Afterwards both get a photo that they have not seen, and a pale copy of it. Each *adds* something to the photo. Which of them adds the same to the pale copy, and why? Write it down, then run the two cells.

# %%
# a judge, the photos to train on, and a network with twelve channels
woodcut = style_image("woodcut", 192)
eyes = PerceptualLoss(
    vgg,
    [woodcut],
    style_weights=[5.0],  # tried: stripes after few steps, and the photo is still there
    content_layers=["relu2_2"],
    style_layers=["relu1_1", "relu2_1", "relu3_1"],
)
shown = ("china", "cat", "hubble")  # not to train on
with_color = [p.name for p in gallery() if "gray" not in p.source and p.name not in shown]
to_learn = [(photo(name, (200, 260))[0] * 255).to(torch.uint8) for name in with_color]
dice = torch.Generator().manual_seed(0)
batches = [crops(to_learn, 4, 64, dice) for _ in range(50)]


def judge(pictures, photos):
    """The content and style loss of each picture."""
    return eyes(
        pictures, eyes.content(photos), torch.zeros(len(photos), dtype=torch.long)
    )  # style number 0


def small_network(norm):
    """A small network before its training, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return StyleNet(["woodcut"], widths=(12, 24, 48), blocks=2, norm=norm)


unseen = photo("china", 192, crop=False)
both = torch.cat([unseen, 0.3 * unseen + 0.35])  # the temple, and a pale copy of it


def fine(pictures):
    """How strong the strokes are: the standard deviation of what is finer than 9 pixels."""
    coarse = F.avg_pool2d(pictures, 9, 1, 4, count_include_pad=False)
    return (pictures - coarse).std(dim=(1, 2, 3))


def relative(pictures):
    """The loss of the painted temple and of its painted pale copy, each relative to the untouched photo."""
    with torch.no_grad():
        return (judge(pictures, both) / judge(both, both)).tolist()


def what_is_added(net, pictures):
    """What the last layer puts out, before the sigmoid."""
    kept = []
    hook = net.last.register_forward_hook(lambda module, given, out: kept.append(out.detach()))
    stylize(net, pictures, "woodcut")
    hook.remove()
    return kept[0]


print(f"{len(to_learn)} photos, {len(batches)} batches of {tuple(batches[0].shape)}")

# %% picture="15.2"
# your function trains both (about 40 seconds); then both paint the temple and a pale copy
curves, by, added, small = {}, {}, {}, {}
for norm in ("instance", "batch"):
    small[norm] = small_network(norm).train()  # batch norm takes mean and variance from each batch
    curves[norm] = train(small[norm], judge, batches, 4e-3)
    small[norm].eval()  # ... and from here on those of the training
    by[norm] = stylize(small[norm], both, "woodcut")
    added[norm] = what_is_added(small[norm], both)

figure, axes = new_figure(width=5, aspect=0.5)
with torch.no_grad():
    start = torch.stack([judge(one, one).mean() for one in batches])  # of the untouched photos
for norm, curve in curves.items():
    axes[0, 0].plot((torch.tensor(curve) / start).tolist(), label=f"{norm} norm")
axes[0, 0].set(xlabel="step", ylabel="loss / loss of the photos", ylim=(0, 1.05))
axes[0, 0].legend()
row, titles = [], []
for i, name in enumerate(["temple", "pale copy"]):
    row.append(both[i])
    titles.append(name)
    for norm in curves:
        row += [by[norm][i], (0.5 + added[norm][i] / 8).clamp(0, 1)]
        titles += [f"{norm} norm", f"added: ±{fine(added[norm])[i]:.2f}"]
display(show_images(row, titles, columns=5, width=11))
for norm, pictures in by.items():
    print(f"{norm} norm, loss / loss of the photo:", *(f"{x:.2f}" for x in relative(pictures)))
figure

# %% claim="the loss falls for both, instance norm is lower after 50 steps and on the unseen temple; instance norm adds the same to both copies, batch norm less than half"
early, late = ({n: sum(c[k : k + 10]) for n, c in curves.items()} for k in (0, 40))
assert late["instance"] < 0.75 * early["instance"]
assert late["batch"] < 0.9 * early["batch"]
assert late["instance"] < 0.9 * late["batch"]
assert relative(by["instance"])[0] < min(0.5, 0.95 * relative(by["batch"])[0])
strength = {norm: (fine(x)[1] / fine(x)[0]).item() for norm, x in added.items()}
assert abs(strength["instance"] - 1) < 0.02 and strength["batch"] < 0.5

# %% claim="it is so for any weights: a network with instance norm and random weights adds the same, too; and batch norm less also with means and variances measured anew"
other = small_network("instance").eval()
with torch.no_grad():
    torch.nn.init.normal_(other.last.weight, generator=torch.Generator().manual_seed(3))
change = what_is_added(other, both)
assert (change[0] - change[1]).abs().max() < 0.05 * change.std()
anew = small["batch"]
for module in anew.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.reset_running_stats()
        module.momentum = None  # the mean over all that follow
anew.train()
with torch.no_grad():
    for photos in batches:
        anew(photos)
change = fine(what_is_added(anew.eval(), both))
assert change[1] < 0.5 * change[0]

# %% [markdown]
# Both losses fall, and they jump, since every step has other photos. The temple was never trained on, and with instance norm it gets the stripes of the woodcut: what was learned holds for a new photo. With batch norm it has outlines so far and no stripes.
#
# Look at what is *added*. With instance norm it is the same for both. It must be, whatever the weights are: the pale copy is $0.3\,x + 0.35$, the first convolution (without a bias, with a mirrored border) makes $0.3$ times the same features plus a number for each channel, and the norm takes both away.
# (In the painting the stripes look stronger where the photo is gray than where it is white: the sigmoid is steepest in the middle. And the pale photo itself is still there below: in ours, only what is added has the style's own contrast.) Batch norm adds less than half to the pale copy: the photo's contrast **leaks** through.

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
# 1, 1, 2, 1, 2, ...: every second place gets twice as much, and a flat area becomes striped. In two dimensions this is a checkerboard (Odena et al., 2016). Repeated pixels give every place three contributions. And a border of mirrored
# pixels (*reflection padding*) makes no dark frame, as a border of zeros would.

# %% [markdown] exercise="15.3" title="The layer that enlarges" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.fun.style_layers:Layer"
# Repeat every pixel twice in both directions, mirror a border of one pixel, convolve with `weight` (no bias).


# %% exercise="15.3"
def enlarge(features, weight):
    """Twice the size: repeat each pixel, reflect the border, convolve.

    features: (N, C, H, W); weight: (O, C, 3, 3)
    returns: (N, O, 2 H, 2 W)
    """
    ### BEGIN SOLUTION
    large = F.interpolate(features, scale_factor=2, mode="nearest")
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode="reflect"), weight)
    ### END SOLUTION


check("15.3", enlarge)

# %% [markdown] fold="Hint"
# `F.interpolate(features, scale_factor=2, mode="nearest")` repeats pixels, `F.pad(x, (1, 1, 1, 1), mode="reflect")` mirrors one pixel on every side, `F.conv2d(x, weight)` does the rest.

# %% picture="15.3"
# the same photo and the same two filters: your layer, and a transposed convolution
flat, tent = torch.ones(3) / 3, torch.tensor([1.0, 2.0, 1.0]) / 4
filters = {"1 1 1": flat[:, None] * flat, "1 2 1": tent[:, None] * tent}
tiny = photo("flower", 48)
rows = {}
for name, each in filters.items():
    weight = (
        each * torch.eye(3)[:, :, None, None]
    ).contiguous()  # each color by itself, (3, 3, 3, 3)
    rows[f"your layer, {name}"] = enlarge(tiny, weight)[0]
    # 4: it writes one place for each pixel where four are to be filled
    rows[f"transposed, {name}"] = F.conv_transpose2d(tiny, 4 * weight, stride=2).clamp(0, 1)[0]
show_images(list(rows.values()), list(rows), columns=4, width=9)

# %% claim="of the four, only the transposed convolution with 1 1 1 makes stripes on a flat gray"
gray = torch.full((1, 1, 12, 12), 0.5)
spread = {}
for claimed in filters:
    kernel = filters[claimed][None, None]
    spread["layer", claimed] = enlarge(gray, kernel)
    spread["transposed", claimed] = F.conv_transpose2d(gray, 4 * kernel, stride=2)
spread = {key: (x[..., 3:-3, 3:-3].std() / x.mean()).item() for key, x in spread.items()}
assert spread["transposed", "1 1 1"] > 0.3
assert max(value for key, value in spread.items() if key != ("transposed", "1 1 1")) < 1e-4

# %% [markdown] solution="15.3"
# The filter smooths the steps between the repeated pixels. (Here mirroring puts the border pixel itself outside, since it was just repeated. With a wider border it would not.) A transposed convolution makes stripes with the filter 1, 1, 1, because its outputs get one, two or four summands in turn. With the filter 1, 2, 1 it makes none: it *can* learn weights without stripes. On a flat area the layer here makes none, whatever its weights are.

# %% [markdown]
# ## The loss of a batch
#
# In the training, a batch holds several photos, each with its own style. The style loss must be computed for each picture by itself.

# %% [markdown] notes="1" minutes=9
# Let them run the bug: nothing complains. Ask for the shapes, line by line.

# %% [markdown] exercise="15.4" title="Spot the bug: one Gram matrix for all" points=2 difficulty=3 importance=4 minutes=8 own="course_utils.fun:PerceptualLoss"
# `features` come from a batch of painted pictures, `targets[n]` is the Gram matrix of the style that picture `n` is to have (divided by its positions). The function should return a style loss for each picture. Run the cell
# as it is, and repair it.


# %% exercise="15.4"
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


check("15.4", style_losses)

# %% [markdown] fold="Hint"
# Which shape does `grams` have, and which shape should it have? `flat @ flat.transpose(1, 2)` multiplies a batch of matrices.

# %% [markdown] solution="15.4"
# With the bug, the *average* picture of the batch is to have the style. One picture may then be all stars and another one all hills. No error is raised: `(C, C)` broadcasts against `(N, C, C)`.

# %% uses="15.4"
# the style losses (of relu3_1) of the temple as "night", "mosaic" and "ink", each against the style of the night
three = torch.stack([paintings[STYLE_NAMES.index(n)] for n in ("night", "mosaic", "ink")])
found = layer_outputs(vgg, three, ["relu3_1"])["relu3_1"]
wanted = layer_outputs(vgg, style_picture("night"), ["relu3_1"])["relu3_1"].flatten(2)
target = wanted @ wanted.transpose(1, 2) / wanted.shape[2]
losses = style_losses(found, target.expand(3, -1, -1))
print("relative to the first:", *(f"{loss:.1f}" for loss in losses / losses[0]))

# %% [markdown]
# ## One network, many styles
#
# Eight styles, eight networks? Dumoulin et al. (2017) found that it is enough to give each style **its own $\gamma$ and $\beta$**. All filters are shared. With one row of $\gamma$ and $\beta$ for each style and the shares
# $w_{ns}$ of the styles in picture $n$:
#
# $$\gamma_{nc} = \sum_s w_{ns}\,\Gamma_{sc}, \qquad \beta_{nc} = \sum_s w_{ns}\,B_{sc} .$$
#
# A share of 1 picks a style; other shares mix them. This is called *conditional instance norm*. In our network each style owns a color matrix and a shift as well, 12 numbers more.
#
# Huang and Belongie (2017) went one step further: their *adaptive* instance norm (AdaIN) learns no rows. It takes $\gamma$ and $\beta$ from the features of the style picture, their standard deviations and means, so any picture can be the style, without a training of its own.

# %% [markdown] notes="1" minutes=12
# Ask for a guess before the cell: which part of the weights belongs to one style? Then 15.5, which is 15.1 with a row for each picture.

# %%
# how many of the network's weights belong to a single style? (rows of gamma and beta, and its colors)
own = sum(p[0].numel() for p in style_rows(net))
everything = sum(p.numel() for p in net.parameters())
shared = everything - len(STYLE_NAMES) * own
print(f"shared: {shared}; each style's own: {own} ({own / everything:.1%})")

# %% [markdown] exercise="15.5" title="Build it: conditional instance norm" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.fun:ConditionalInstanceNorm"
# Normalize as in 15.1 with $\varepsilon = 10^{-5}$, then scale and shift each picture with its own mixture of rows.


# %% exercise="15.5"
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


check("15.5", conditional_norm)

# %% [markdown] fold="Hint"
# `mix @ gammas` has shape `(N, C)`: a row of $\gamma$ for each picture. Add two dimensions at its end to broadcast it over the positions.

# %% uses="15.5"
# your function in the place of the network's own: the same picture?
first = net.first
x = F.pad(2 * temple - 1, (2, 2, 2, 2), mode="reflect")
shares = torch.tensor([[0.5, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]])
convolved = first.convolution(x)
ours = conditional_norm(convolved, first.norm.gamma, first.norm.beta, shares)
print("largest difference:", f"{(ours - first.norm(convolved, shares)).abs().max():.0e}")

# %% [markdown] solution="15.5"
# Mixing the rows and mixing the layer's outputs is the same here, since both are linear in $\gamma$ and $\beta$. It is not the same for the whole network: between the layers there are ReLUs.

# %% [markdown]
# **Predict, run, explain.** Half glass, half woodcut: (a) like two pictures laid over each other, each half transparent, or (b) something else? Write it down, then run the cell.

# %%
# from glass to woodcut in the rows, and for comparison half of each in the pixels
portrait = photo("cat", 224)
shares = [0, 0.25, 0.5, 0.75, 1]
steps = [stylize(net, portrait, {"glass": 1 - w, "woodcut": w})[0] for w in shares]
overlay = (steps[0] + steps[-1]) / 2
titles = [f"{w:.0%} woodcut" for w in shares] + ["pixels, half and half"]
show_images([*steps, overlay], titles, columns=3, width=9)

# %% [markdown]
# The answer is (b). The overlay shows both paintings at once. The mixture in the rows is another picture, painted by filters that are scaled between the two styles. It is no equal mixture of what you see: its contrast (the standard deviation of its pixels) is lower than that of either painting, and lower than that of the
# overlay. Lower than that of the overlay it is in most of the pairs that we tried (six).

# %% claim="half and half in the rows is not the overlay; it has less contrast than the overlay in most pairs of styles, and with glass and woodcut less than either"
middle, ends = steps[2], (steps[0], steps[-1])
assert (middle - overlay).abs().mean() > 0.05
assert middle.std() < 0.95 * min(end.std() for end in ends)
alone = {name: stylize(net, portrait, name) for name in STYLE_NAMES[::2]}
paler = [
    stylize(net, portrait, {a: 1, b: 1}).std().item() < ((alone[a] + alone[b]) / 2).std().item()
    for a in alone
    for b in alone
    if a < b
]
assert sum(paler) >= 0.8 * len(paler)

# %% [markdown] notes="1" minutes=4
# Ask for other pairs and try them: `stylize(net, portrait, {"ink": 2, "waves": 1})`. Weights are used as shares of their sum.

# %% [markdown]
# ## A style of your own
#
# The filters are shared by all eight styles. Can a ninth be painted with them, a style that they were not trained on? Dumoulin et al. kept all filters and trained only a new row. You do the same, with a picture of your choice: a texture, a photo, or a file of
# your own (*My own picture*). A style is what repeats in a picture, and its colors; no objects.

# %% [markdown] notes="1" minutes=14
# Everybody chooses a picture; the training takes a minute or two. Meanwhile: how many numbers does Adam turn? The cell above printed it. Then walk around and look at the pictures.

# %%
# choose the picture of your style
own_style = OwnStyle("coral")
own_style

# %%
# a network with one style, whose shared weights are frozen: only what has a gradient can be trained
fresh = new_style(net, "mine")
learning = sum(p.numel() for p in fresh.parameters() if p.requires_grad)
print(f"{learning} of {sum(p.numel() for p in fresh.parameters())} weights learn")

# %% [markdown]
# `new_style` copies the network and gives it one row, the mean of the eight. Your `train` does the rest: Adam does not touch weights without a gradient. The judge is VGG-19 up to `relu5_1`. The style weight is smaller for a style that is far
# from photos, or it would leave nothing of them.

# %% picture="15.2"
# your function trains the ninth row (about a minute, up to two and a half on a slow computer)
picture = own_style.style
zero = torch.zeros(2, dtype=torch.long)
dealer = torch.Generator().manual_seed(1)
pairs = [crops(to_learn, 2, 80, dealer) for _ in range(65)]
plain = PerceptualLoss(vgg, [picture], style_weights=[1.0])
with torch.no_grad():  # with its own content a photo has style loss only
    far = torch.stack([plain(x, plain.content(x), zero).mean() for x in pairs[:4]]).mean()
whole = PerceptualLoss(vgg, [picture], style_weights=[1500 / far.sqrt().item()])


def my_judge(pictures, photos):
    """The content and style loss of each picture, in the new style."""
    return whole(pictures, whole.content(photos), zero)


mine = new_style(net, "mine")
losses = train(mine, my_judge, pairs[:48], 0.02)
losses += train(mine, my_judge, pairs[48:], 0.004)  # smaller steps at the end
print(
    f"loss: {sum(losses[:5]) / 5:.3g} in the first five steps, {sum(losses[-5:]) / 5:.3g} in the last five"
)

cat = photo("cat", 128)
content_of_cat = {layer: x.expand(2, -1, -1, -1) for layer, x in whole.content(cat).items()}


def of_cat(picture):
    """The loss of a picture of the cat in your style; 1 is the untouched photo."""
    with torch.no_grad():
        found = whole(torch.cat([picture, cat]), content_of_cat, zero)
    return (found[0] / found[1]).item()


best = min(of_cat(stylize(net, cat, name)) for name in STYLE_NAMES)
print(
    f"loss of the cat: at the start {of_cat(stylize(fresh, cat, 'mine')):.2f}, "
    f"best of the eight {best:.2f}, your row {of_cat(stylize(mine, cat, 'mine')):.2f}"
)

# keep it: nine styles in one file
nine = add_style(net, mine)
save_style_net(nine, "my_styles.safetensors")
kept = load_style_net("my_styles.safetensors")
to_paint = [photo("china", 224), photo("cat", 224)]
row = [picture[0], *(stylize(kept, x, "mine")[0] for x in to_paint)]
others = ("glass", "woodcut", "ink")
row += [stylize(kept, to_paint[1], {"mine": 0.5, other: 0.5})[0] for other in others]
titles = ["your style", "temple", "cat", "half glass", "half woodcut", "half ink"]
show_images(row, titles, columns=3, width=9)

# %% claim="the new row takes a photo's loss down to less than 0.6; the mean of the eight rows does not, and none of the eight comes near; the eight stay as they were"
learned = of_cat(stylize(kept, cat, "mine"))
assert learned < 0.6 and not of_cat(stylize(fresh, cat, "mine")) < 0.6
assert learned < 0.8 * best
assert (stylize(nine, cat, "night") - stylize(net, cat, "night")).abs().max() < 1e-4

# %% [markdown]
# A few thousand numbers bring your style into a photo. They are all that was trained. The start, an equal mixture of the eight rows, does not have it. How near do the eight come? Read the numbers above: for the coral, not near; for a style that is like one of the eight it may be otherwise. `my_styles.safetensors` lies beside this notebook. `load_style_net("my_styles.safetensors")` opens it, and
# `explorers.ManyStyles(kept, pictures={"mine": picture})` has a ninth slider.
#
# Compare your painting with its style: the pattern first, then the colors. Which of the two has come further in 65 steps? With the coral it is the colors: orange and dark blue are there, and of its closed lines only short pieces. (We did not try rows over *random* filters. So the lesson does not say that it takes these filters.)

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
# $\beta$. All filters stay. Will the painting be (a) hardly different, (b) a picture without the mosaic?

# %% [markdown] notes="1" minutes=5
# Votes before the cell: hardly different, or without the mosaic?

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
        stylize(net, torch.full_like(nothing, 0.5), "mosaic")[0],
        nothing[0],
        stylize(net, nothing, "mosaic")[0],
    ],
    ["mosaic", "rows shuffled", "one gray, as mosaic", "faint noise", "faint noise, as mosaic"],
    columns=5,
    width=11,
)

# %% [markdown]
# The answer is (b). The cat is still there (it must be: the photo is added) and the mosaic is gone: the style sits in the pairs of filters and rows. One gray gets no tiles; gray with faint noise gets them, as strongly as the cat. **Strokes in a painting are no evidence of anything in the photo:** instance norm divides by
# the strength of what comes in, so it gives noise its full strength, whether the noise is faint or five times as strong.

# %% claim="shuffled rows keep the cat and lose the mosaic; faint noise and noise of five times the strength are painted equally strongly, as strongly as the cat; one gray is not"
tiles = PerceptualLoss(vgg, [style_picture("mosaic")], style_weights=[1.0])


def far_from_mosaic(x):
    with torch.no_grad():
        return tiles(x, tiles.content(x), torch.zeros(1, dtype=torch.long)).item()


def alike_in_coarse(x):
    return torch.corrcoef(
        torch.stack([F.avg_pool2d(y.mean(1), 8).flatten() for y in (portrait, x)])
    )[0, 1]


good, lost = (stylize(one, portrait, "mosaic") for one in (net, shuffled))
assert far_from_mosaic(good) < 0.25 * far_from_mosaic(portrait)
assert not far_from_mosaic(lost) < 0.25 * far_from_mosaic(portrait)
assert min(alike_in_coarse(good), alike_in_coarse(lost)) > 0.6
assert abs(alike_in_coarse(nothing)) < 0.2
more_noise = 0.5 + 5 * (nothing - 0.5)
assert fine(more_noise) > 4 * fine(nothing)
tiled = fine(stylize(net, nothing, "mosaic"))
assert abs(tiled / fine(stylize(net, more_noise, "mosaic")) - 1) < 0.15
assert tiled > 0.8 * fine(good) > 3 * fine(nothing)
assert fine(stylize(net, torch.full_like(nothing, 0.5), "mosaic")) < 0.1 * tiled

# %%
# what does one pass give away? the loss against an optimization of this very photo (about 15 seconds)
scene, reached = photo("coffee", 96), {}
for name in ("glass", "mosaic"):
    weight, style = STYLE_WEIGHTS[name], style_picture(name)
    loss = PerceptualLoss(vgg, [style], style_weights=[weight])
    best = style_transfer(vgg, scene, style, style_weight=weight, steps=15, scales=1)
    pictures = torch.cat([scene, stylize(net, scene, name), best])
    content = {k: v.expand(3, -1, -1, -1) for k, v in loss.content(scene).items()}
    with torch.no_grad():
        photo_s, one, fifteen = loss(pictures, content, torch.zeros(3, dtype=torch.long)).tolist()
    reached[name] = photo_s, one, fifteen
    print(f"{name:7s} photo 1.00, one pass {one / photo_s:.2f}, 15 steps {fifteen / photo_s:.2f}")

# %% claim="one pass takes away more than a third of the loss of the photo; 15 steps on this photo get lower"
assert max(one / before for before, one, _ in reached.values()) < 0.66
assert all(fifteen < 0.9 * once for _, once, fifteen in reached.values())

# %% [markdown]
# One pass takes the loss a good part of the way. An optimization of the very photo gets lower with 15 steps. (Johnson et al. report that one pass of their network is about as good as 50 to 100 steps of L-BFGS. The counts cannot be compared: our steps move broad areas first, see lesson 14.) And against 100 passes of L-BFGS, on one held-out photo for each style, the loss of one pass is 1.2 times as high for glass, geometry and woodcut, 1.5 to 1.8 times for mosaic, waves, ink and dots, and 2.3 times for night (`data/weights/styles.md`). It differs from photo to photo: compare the numbers above.
#
# Other limits:
#
# - The network paints in the styles that have a row, and in mixtures of them. A new one needs a training.
# - All filters have a fixed size in pixels. Paint one photo at 128 and at 384 pixels: what happens to the strokes, beside the things in the photo?
# - What "content" is, VGG-19 decides here as well, with all that lesson 14 said about it.

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
# - The same loss as in lesson 14, minimized over a network's weights: minutes or hours once, then a fraction of a second for each picture. A step of the training is four lines.
# - Instance norm takes brightness and contrast of the photo out, channel by channel, picture by picture. Batch norm lets them leak.
# - Repeat pixels, reflect the border, convolve: no checkerboard, no frame.
# - Many styles: shared filters, one row of $\gamma$ and $\beta$ for each style. Rows can be mixed, and a new row can be trained while everything else stays.
#
# **Papers.** Johnson, Alahi, Fei-Fei: *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016. Ulyanov, Lebedev, Vedaldi, Lempitsky: *Texture Networks: Feed-forward Synthesis of Textures and Stylized Images*, ICML 2016. Ulyanov, Vedaldi, Lempitsky: *Instance Normalization: The Missing Ingredient for Fast Stylization*, 2016. Dumoulin,
# Shlens, Kudlur: *A Learned Representation for Artistic Style*, ICLR 2017. Huang, Belongie: *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017. Odena, Dumoulin, Olah: *Deconvolution and Checkerboard Artifacts*, Distill 2016.
