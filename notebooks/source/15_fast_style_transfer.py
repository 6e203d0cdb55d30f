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
from course_utils.figures import show_style_training
from course_utils.fun import (
    STYLE_NAMES,
    PerceptualLoss,
    StyleNet,
    add_style,
    load_style_net,
    new_style,
    save_style_net,
    stylize,
)
from course_utils.fun.fast_style import style_rows
from course_utils.stimuli import style_image
from course_utils.training.styles import crops, pass_and_steps, style_picture

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
# One network painted all eight. It has seen pieces of 480 other photos, but never this one, and it takes no steps: pixels go in, pixels come out. No style picture goes in.
#
# Compare each painting with its style. The strokes of the waves came along, their red did not; of the geometry hardly any yellow.


# %% claim="of the red of the waves and the yellow of the geometry hardly anything is in the paintings"
def how_much_of(found, name):
    """The share of such pixels in the painting, relative to the style."""
    of_style = found(style_image(name, 171)[0]).float().mean()
    return found(paintings[STYLE_NAMES.index(name)]).float().mean() / of_style


assert how_much_of(lambda x: x[0] - x[2] > 0.3, "waves") < 0.3
assert how_much_of(lambda x: (x[:2].amin(0) > 0.6) & (x[2] < 0.4), "geometry") < 0.3
assert not how_much_of(lambda x: x[0] - x[2] > 0.3, "dots") < 0.3

# %%
# how much faster, for a loss that is as low? lesson 14's optimization of the same photo, 20 steps (about 20 seconds)
vgg = load_network("vgg19")
begin = time.perf_counter()
for _ in range(3):
    stylize(net, temple, "night")
one_pass = (time.perf_counter() - begin) / 3
begin = time.perf_counter()
(once, goal), looks = pass_and_steps(vgg, net, temple, "night", 20)
one_step = (time.perf_counter() - begin) / len(looks)
equal = next(i for i, (_, value) in enumerate(looks) if value <= goal)
ratio = equal * one_step / one_pass
print(
    f"one pass {one_pass:.2f} s; {equal} steps {equal * one_step:.0f} s: {ratio:.0f} times as long"
)
show_images(
    [once, looks[equal][0], looks[-1][0]],
    [f"one pass: loss {goal:.2f}", *(f"{i} steps: {looks[i][1]:.2f}" for i in (equal, 20))],
    width=10,
)

# %% [markdown]
# A loss of 1 is that of the photo. For a loss as low as the first picture's, the second took tens of times as long. The third has a lower loss, and still most of the photo's colors: the loss is not all that your eyes see. What one pass saves was spent before, in hours of training, once for all photos.

# %% claim="a loss as low takes tens of times as long as one pass, and more than 5 steps; 20 steps get lower and stay nearer to the photo"
assert equal * one_step > 15 * one_pass
assert equal > 5 and looks[-1][1] < 0.8 * goal
assert not looks[5][1] < 1.1 * goal
far_from_photo = [(x - temple[0]).abs().mean() for x in (once, looks[equal][0], looks[-1][0])]
assert max(far_from_photo[1:]) < 0.5 * far_from_photo[0]

# %% [markdown] notes="1" minutes=5
# Let the room guess the ratio before you run the cell. Then ask where the time went: it was spent once, in the training, for all photos that will ever come. Which of the three pictures is best? Let them vote, then look at the losses.

# %% [markdown]
# ## The idea
#
# In lesson 14 the **pixels** $x$ were changed until the loss was small, for one photo $p$ and one style $s$. Johnson et al. (2016) change the **weights** $\theta$ of a network $f_\theta$ instead:
#
# $$\min_x\; L(x;\,p,\,s) \qquad\longrightarrow\qquad \min_\theta\; \operatorname{mean}_{p}\; L\bigl(f_\theta(p);\,p,\,s\bigr) .$$
#
# - $L$: the content and style loss of lesson 14, from the features of VGG-19. VGG-19 is the judge, and it is not needed after the training.
# - $f_\theta$: a network from pictures to pictures. It goes down to a quarter of the size, has eight residual blocks, and comes back up.
#
# Ulyanov et al. (2016) trained such networks in the same year and called them *texture networks*.
#
# The network says what to **change** about the photo:
#
# $$f_\theta(p) = \operatorname{sigmoid}\bigl(M_s\, z + b_s + g(p)\bigr) .$$
#
# - $z$: the logit of the photo, which is the sigmoid turned around (with a little room beyond black and white).
# - $M_s, b_s$: a 3 × 3 matrix and a shift, which mix the colors anew; $g(p)$: the last layer.
#
# Before the training $M_s$ is the identity, and $b_s$ and $g$ are 0: an untrained network gives back the photo. Johnson's network has neither this nor the features on the way down, which are **added** on the way up (U-Net, Ronneberger et al. 2015, appends them). His network has batch norm, five blocks, transposed convolutions and VGG-16.

# %% [markdown] notes="1" minutes=4
# Write the two problems under each other: what is found, and for how many photos. Then ask where the style picture is when the network paints.

# %%
# a step of the training: forward along the lines, and back to the weights
show_style_training(temple, paintings[0], style_image("night", 171))

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
# The same numbers. Brightness and contrast of the photo are gone, its pattern is still there. That is what a painter of styles wants: **the style says how strong the strokes are on the whole, not the photo's contrast.** (Not in each place: one mean and one deviation serve the whole photo. Ulyanov, Vedaldi and Lempitsky, 2016.)
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
# a channel of VGG-19 for the temple, a pale copy and another photo: as it is, and after your instance norm
pale = 0.3 * temple + 0.35
scenes = torch.cat([temple, pale, photo("cat", tuple(temple.shape[2:]))])
seen = layer_outputs(vgg, scenes, ["conv2_1"])["conv2_1"][:, 5:6]
seen = seen / seen[0].std()  # the temple's deviation is 1
normal = instance_norm(seen, torch.ones(1), torch.zeros(1), 1e-5)
titles, away = [], {}
for norm, x in (("as it is", seen), ("normalized", normal)):
    away[norm] = [(x[0] - x[i]).abs().mean().item() for i in (1, 2)]
    print(f"{norm}, mean distance to the temple:", *(f"{d:.2f}" for d in away[norm]))
    titles += [
        f"{name} {norm}: ±{one.std():.2f}" for name, one in zip(("temple", "pale"), x, strict=False)
    ]
panels = 0.5 + torch.cat([seen[:2, 0], normal[:2, 0]]) / 6  # one gray scale, 0 is the middle gray
show_images(panels, titles, columns=4, width=10, vmin=0, vmax=1)

# %% [markdown]
# The numbers in the titles are standard deviations. Behind the norm both have 1, as any picture has. So look at the distances, to the pale copy and to another photo: behind the norm the pale copy is about a tenth of a deviation away from the temple, the cat a whole one. (Not 0, since two layers with biases and ReLU come before this one.)

# %% claim="a channel of the pale copy has about a third of the spread; behind instance norm it is near the temple, another photo is not; before the first ReLU it is equal but for the border"
assert 0.2 < seen[1].std() / seen[0].std() < 0.5
assert away["as it is"][0] > 0.3 and 0.05 < away["normalized"][0] < 0.15
assert 0.8 < away["normalized"][1] < 1.2
inside = layer_outputs(vgg, scenes, ["conv1_1"])["conv1_1"][:, :, 1:-1, 1:-1]
inside = F.instance_norm(inside, eps=1e-12)
assert (inside[0] - inside[1]).abs().mean() < 0.01
assert not (inside[0] - inside[2]).abs().mean() < 0.01

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
# The toy of lesson 13 has the four lines: `zero_grad()`, the loss, `backward()`, `step()`. `loss.item()` makes a number of a tensor with one element; without it every step's graph stays in memory.

# %% [markdown] solution="15.2"
# The judge's weights are no parameters of `net`, so Adam does not turn them. The gradient goes *through* the judge, from the loss to the picture, and on into the network.

# %% [markdown]
# There the pixels of one picture, here the weights of the network. Two networks, twelve channels wide, with the same start and the same photos: one with instance norm, one with batch norm. One style (`woodcut`), 50 steps, crops of 64 pixels, and VGG-19 only as far as
# `relu3_1`.
#
# **Predict, run, explain.** Afterwards both get a photo that they have not seen, a pale copy of it, and a flat piece of its sky, cut out. Which of them *adds* the same to the pale copy? And does instance norm add more to the piece of sky, or less, than to the same sky in the whole photo? Write it down, then run the two cells.

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
sky = (..., slice(40), slice(105, 165))  # right of the roof
to_try = {"temple": unseen, "pale copy": 0.3 * unseen + 0.35, "its sky": unseen[sky]}


def fine(pictures):
    """How strong the strokes are: the standard deviation of what is finer than 9 pixels."""
    coarse = F.avg_pool2d(pictures, 9, 1, 4, count_include_pad=False)
    return (pictures - coarse).std().item()


def paint(net, picture):
    """The painting, and what the last layer adds before the sigmoid."""
    kept = []
    hook = net.last.register_forward_hook(lambda module, given, out: kept.append(out))
    with torch.no_grad():
        painting = net(picture)
    hook.remove()
    return painting, kept[0]


print(f"{len(to_learn)} photos, {len(batches)} batches of {tuple(batches[0].shape)}")

# %% picture="15.2"
# your function trains both (about 40 seconds); then both paint
curves, small = {}, {}
for norm in ("instance", "batch"):
    small[norm] = small_network(norm).train()  # batch norm takes mean and variance from each batch
    curves[norm] = train(small[norm], judge, batches, 4e-3)
    print(norm, "norm, loss:", *(f"{x:.2g}" for x in curves[norm][::7]))
panels, titles, by_norm, added = [], [], {}, {}
for norm in (
    "instance",
    "batch",
    "batch, its own",
):  # statistics of the training, then of each picture
    painter = small[norm.split(",")[0]].train("own" in norm)
    for what, picture in to_try.items():
        by_norm[what, norm], added[what, norm] = paint(painter, picture)
for what, picture in to_try.items():
    panels += [picture[0], by_norm[what, "instance"][0], by_norm[what, "batch"][0]]
    titles += [what, "instance norm", "batch norm"]
    for norm in ("instance", "batch", "batch, its own"):
        panels.append((0.5 + added[what, norm][0] / 8).clamp(0, 1))
        titles.append(f"{norm}: adds ±{fine(added[what, norm]):.2f}")
print(f"its sky within the temple, instance: ±{fine(added['temple', 'instance'][sky]):.2f}")
show_images(panels, titles, columns=6, width=11)

# %% claim="the loss falls for both; instance norm adds the same to both copies, batch norm less than half, and with each picture's own statistics the same; a piece of sky alone gets strokes that it does not get in the whole photo"
early, late = ({n: sum(c[k : k + 10]) for n, c in curves.items()} for k in (0, 40))
assert late["instance"] < 0.75 * early["instance"]
assert late["batch"] < 0.9 * early["batch"]
strength = {kind: fine(added["pale copy", kind]) / fine(added["temple", kind]) for _, kind in added}
assert abs(strength["instance"] - 1) < 0.02 and strength["batch"] < 0.5
assert abs(strength["batch, its own"] - 1) < 0.02
for kind, bound in (("instance", 0.05), ("batch, its own", 0.05)):
    change = added["temple", kind] - added["pale copy", kind]
    assert change.abs().mean() < bound * added["temple", kind].std()
change = added["temple", "batch"] - added["pale copy", "batch"]
assert not change.abs().mean() < 0.05 * added["temple", "batch"].std()
in_the_whole = fine(added["temple", "instance"][sky])
assert in_the_whole < 0.15 * fine(added["temple", "instance"])
assert fine(added["its sky", "instance"]) > 0.7 * fine(added["temple", "instance"])
assert not fine(added["its sky", "batch"]) > 0.6 * fine(added["temple", "batch"])

# %% claim="it is so for any weights: a network with instance norm and random weights adds the same, too; and batch norm less also with means and variances measured anew"
other = small_network("instance").eval()
with torch.no_grad():
    torch.nn.init.normal_(other.last.weight, generator=torch.Generator().manual_seed(3))
copies = [paint(other, to_try[claimed])[1] for claimed in ("temple", "pale copy")]
assert (copies[0] - copies[1]).abs().max() < 0.05 * copies[0].std()
anew = small["batch"]
for module in anew.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.reset_running_stats()
        module.momentum = None  # the mean over all that follow
anew.train()
with torch.no_grad():
    for photos in batches:
        anew(photos)
copies = [fine(paint(anew.eval(), to_try[claimed])[1]) for claimed in ("temple", "pale copy")]
assert copies[1] < 0.5 * copies[0]

# %% [markdown]
# Both losses fall, and they jump, since every step has other photos. In this run (one start, 50 steps) instance norm gives the temple the woodcut's stripes, batch norm outlines. (The woodcut stands in the first picture of the lesson. With instance norm its orange and cream are not there yet.)
#
# Look at what is *added*. With instance norm it is the same for both copies, whatever the weights are: the pale copy is $0.3\,x + 0.35$, the first convolution (without a bias, with a mirrored border) makes $0.3$ times the same features plus a number for each channel, and the norm takes both away.
# Batch norm adds less than half to the pale copy: the photo's contrast **leaks** through. The last column is the control: the same weights, but mean and variance of each picture by itself. Now both copies get the same.
#
# In the whole photo the sky gets almost nothing from this small network. (The large one of the first picture has learned to fill a sky.) Cut out, it has its own mean and deviation, and gets strokes nearly as strong as the temple's. The norm takes out the contrast of the picture that it is given, not that of a place in it.

# %% [markdown]
# ## Enlarging without a checkerboard
#
# The way back up doubles the size twice. A *transposed* convolution with stride 2 writes a 3 × 3 patch for every pixel, two pixels apart. In the head: along a line of four pixels, how often is each place of the result
# written? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=10
# Count the writes with pencil marks under four pixels. Which filter would be even? Then the exercise: three lines.

# %%
# all ones, along one line, with three filters: a transposed convolution; repeated pixels and a convolution
line = torch.ones(1, 1, 4)
repeated = F.pad(line.repeat_interleave(2, dim=2), (1, 1), mode="reflect")
for three in ([1.0, 1.0, 1.0], [1.0, 2.0, 1.0], [1.0, 3.0, 1.0]):
    each = torch.tensor(three)[None, None]
    print(three, "transposed", F.conv_transpose1d(line, each, stride=2)[0, 0].tolist())
    print(" " * 15, "repeated  ", F.conv1d(repeated, each)[0, 0].tolist())

# %% [markdown]
# With 1 1 1 every second place gets twice as much: a flat area becomes striped, in two dimensions a *checkerboard* (Odena et al., 2016). With $a\ b\ c$ one sort of place gets $a + c$ and the other $b$. So 1 2 1 is even and 1 3 1 is not: the training has to find $a + c = b$, and to keep it.
# With repeated pixels every place of a flat area gets $a + b + c$, for **every** filter. (On a slope the two sorts of places can still differ: try 1 -2 1 on 0 1 2 3.) With a border of zeros the ends of the line would get less, which makes a frame; mirrored pixels (*reflection padding*) make none.

# %% [markdown] exercise="15.3" title="The layer that enlarges" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.fun.style_net:Layer"
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
# the same photo and three filters: above your layer, below a transposed convolution
filters = {(1, b, 1): torch.tensor([1.0, b, 1.0]) / (b + 2) for b in (1, 2, 3)}
tiny = photo("flower", 48)
above, below = {}, {}
for (a, b, c), each in filters.items():
    weight = each[:, None] * each * torch.eye(3)[:, :, None, None]  # each color by itself
    above[f"your layer, {a} {b} {c}"] = enlarge(tiny, weight)[0]
    # 4: it writes one place for each pixel where four are to be filled
    large = F.conv_transpose2d(tiny, 4 * weight, stride=2)[0]
    below[f"transposed, {a} {b} {c}: {a + c} against {b}"] = large.clamp(0, 1)
rows = above | below
show_images(list(rows.values()), list(rows), columns=3, width=7)

# %% claim="on a flat gray, the transposed convolution makes a checkerboard with 1 1 1 and 1 3 1 and none with 1 2 1; the layer with no filter"
gray, spread = torch.full((1, 1, 12, 12), 0.5), {}
drawn = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
claimed_filters = {**filters, **dict(enumerate(drawn))}
for claimed, kernel in claimed_filters.items():
    kernel = (kernel[:, None] * kernel)[None, None]
    for how, result in (
        ("layer", enlarge(gray, kernel)),
        ("transposed", F.conv_transpose2d(gray, 4 * kernel, stride=2)),
    ):
        spread[how, claimed] = (result[..., 3:-3, 3:-3].std() / result.mean()).item()
assert max(value for (how, _), value in spread.items() if how == "layer") < 1e-4
assert spread["transposed", (1, 2, 1)] < 1e-4
assert min(spread["transposed", uneven] for uneven in ((1, 1, 1), (1, 3, 1))) > 0.15

# %% [markdown] solution="15.3"
# The filter smooths the steps between the repeated pixels. (Here mirroring puts the border pixel itself outside, since it was just repeated. With a wider border it would not.) A transposed convolution can be even as well, as the middle picture shows; the layer here is even on a flat area whatever its weights are.

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
# Night itself is 1.0, the mosaic some forty times as far away, the ink about ten. The bug would print three equal numbers.

# %% claim="the mosaic is some forty times as far from night as night itself, ink about ten; one Gram matrix for all gives three equal losses"
assert 30 < losses[1] / losses[0] < 55 and 7 < losses[2] / losses[0] < 13
joined = found.transpose(0, 1).flatten(1)
joined = ((joined @ joined.T / joined.shape[1] - target.expand(3, -1, -1)) ** 2).mean(dim=(1, 2))
assert joined.std() < 1e-4 * joined.mean()

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
# The *adaptive* instance norm of Huang and Belongie (2017, AdaIN) learns no rows. It takes $\gamma$ and $\beta$ from the features of the style picture, their standard deviations and means, so any picture can be the style.

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
# your function in the place of the network's own: its first layer on the temple, half glass and half woodcut
layer, half = net.first, torch.zeros(1, len(STYLE_NAMES))
half[0, [STYLE_NAMES.index("glass"), STYLE_NAMES.index("woodcut")]] = 0.5
with torch.no_grad():
    convolved = layer.convolution(F.pad(temple, (2, 2, 2, 2), mode="reflect"))
    by_you = conditional_norm(convolved, layer.norm.gamma, layer.norm.beta, half)
    print(f"apart from its own by at most {(by_you - layer.norm(convolved, half)).abs().max():.0e}")

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
names = [*(f"{w:.0%} woodcut" for w in shares), "pixels, half and half"]
panels = [*steps, overlay]
titles = [f"{name}: ±{x.std():.2f}" for name, x in zip(names, panels, strict=True)]
show_images(panels, titles, columns=3, width=7.5)

# %% [markdown]
# The answer is (b). The overlay shows both paintings at once. The mixture in the rows is another picture, painted by filters that are scaled between the two styles. Its contrast (the number in the title, the standard deviation of the pixels) is lower than that of
# either painting and of the overlay.

# %% claim="half and half in the rows is not the overlay; it has less contrast than the overlay and than either painting"
middle, ends = steps[2], (steps[0], steps[-1])
assert (middle - overlay).abs().mean() > 0.05
assert middle.std() < 0.95 * min(end.std() for end in ends)
assert middle.std() < 0.95 * overlay.std()

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
weight = 1500 / far.sqrt().item()  # 1500: tried
whole = PerceptualLoss(vgg, [picture], style_weights=[weight])


def my_judge(pictures, photos):
    """The content and style loss of each picture, in the new style."""
    return whole(pictures, whole.content(photos), zero)


mine = new_style(net, "mine")
train(mine, my_judge, pairs[:48], 0.02)
train(mine, my_judge, pairs[48:], 0.004)  # smaller steps at the end

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
show_images(row, titles, columns=3, width=7.5)

# %% claim="the new row takes a photo's loss down to less than 0.6; the mean of the eight rows does not, and none of the eight comes near; the eight stay as they were"
learned = of_cat(stylize(kept, cat, "mine"))
assert 0.9 < of_cat(stylize(fresh, cat, "mine")) < 1.25 and 0.6 < best < 0.8


def darkest(x):
    """The mean color of the darkest quarter."""
    brightness = x.mean(0)
    return x[:, brightness < brightness.quantile(0.25)].mean(1)


dark_of_style = darkest(picture[0])
assert dark_of_style[1] > 1.5 * dark_of_style[0]  # blue-green: more green than red
for painted in row[1:3]:
    assert not darkest(painted)[1] > 1.2 * darkest(painted)[0]
assert learned < 0.6 and not of_cat(stylize(fresh, cat, "mine")) < 0.6
assert learned < 0.8 * best
assert (stylize(nine, cat, "night") - stylize(net, cat, "night")).abs().max() < 1e-4

# %% [markdown]
# A few thousand numbers are all that was trained. The losses of the cat, for the coral: about 1.1 at the start (an equal mixture of the eight rows), 0.7 for the best of the eight, under 0.6 for your row.
# Compare your painting with its style. With the coral there are an orange and a dark color, but not the green of its dark; and of the long winding bands there are only short pieces. Is it the few steps, the filters that were trained for other styles, or the style weight? This run cannot tell: train longer, and look whether it changes.
#
# `my_styles.safetensors` lies beside this notebook. `load_style_net("my_styles.safetensors")` opens it, and `explorers.ManyStyles(kept, pictures={"mine": picture})` has a ninth slider.

# %% [markdown]
# ## Explore
#
# Each slider is the share of a style.
#
# - Raise a second style slowly. Which comes first, its colors or its strokes?
# - All eight at 1: what is left of each?

# %%
# mix styles
explorers.ManyStyles(net)

# %% [markdown]
# ## What this picture does not show
#
# Do $\gamma$ and $\beta$ belong to their channel? **Predict first:** in every layer we give the mosaic's rows to the channels in another order. The filters and the style's colors stay. Will the painting be (a) hardly different, (b) as far from the mosaic as that of another style?

# %% [markdown] notes="1" minutes=5
# Votes before the cell: hardly different, or far from the mosaic? And tiles in the noise?

# %%
# the rows of all layers, shuffled from channel to channel, in three orders
tried = {name: stylize(net, portrait, name) for name in ("mosaic", "dots")}
for seed in (0, 1, 2):
    shuffled, generator = load_style_net(), torch.Generator().manual_seed(seed)
    for layer in shuffled.modules():
        if hasattr(layer, "gamma"):
            order = torch.randperm(layer.gamma.shape[1], generator=generator)
            layer.gamma.data, layer.beta.data = layer.gamma[:, order], layer.beta[:, order]
    tried[f"order {seed}"] = stylize(shuffled, portrait, "mosaic")
tiles = PerceptualLoss(vgg, [style_picture("mosaic")], style_weights=[1.0])
pictures = torch.cat([portrait, *tried.values()])
with torch.no_grad():  # with its own content a picture has style loss only
    distance = tiles(pictures, tiles.content(pictures), torch.zeros(6, dtype=torch.long))
distance = dict(zip(["photo", *tried], (distance / distance[0]).tolist(), strict=True))
show_images(pictures, [f"{name}: {loss:.2f}" for name, loss in distance.items()], width=11)

# %% [markdown]
# The answer is (b). The number is the style loss to the mosaic; 1 is the photo. In another order the rows come no nearer than the dots do: a row belongs to the filters that it scales.
#
# Now one gray, and gray with a little noise and with five times as much. Where do you expect tiles?

# %% claim="shuffled rows are as far from the mosaic as the dots, the unshuffled one is not"
assert distance["mosaic"] < 0.2
assert min(distance[f"order {k}"] for k in (0, 1, 2)) > 0.8 * distance["dots"]
assert not distance["mosaic"] > 0.8 * distance["dots"]

# %%
# one gray and two noises, each followed by its mosaic
noise = 0.02 * torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
flat = {"one gray": 0.5 + 0 * noise, "faint noise": 0.5 + noise, "five times": 0.5 + 5 * noise}
tiled = {name: stylize(net, x, "mosaic") for name, x in flat.items()}
panels = [x[0] for name in flat for x in (flat[name], tiled[name])]
titles = [title for name in flat for title in (name, f"±{fine(tiled[name]):.2f}")]
show_images(panels, titles, width=11)

# %% [markdown]
# One gray gets no tiles; both noises get them, about equally strong. **Strokes are no evidence of a strong contrast in the photo:** instance norm divides by the strength of what comes in, so in an otherwise flat picture even a noise that you hardly see gets full strength. (Far below it the $\varepsilon$ of the norm wins, and nothing is left, as with the gray.)

# %% claim="faint noise and noise of five times the strength are painted equally strongly, as strongly as the cat; one gray is not"
assert abs(fine(tiled["faint noise"]) / fine(tiled["five times"]) - 1) < 0.15
assert fine(flat["five times"]) > 4 * fine(flat["faint noise"])
assert fine(tiled["faint noise"]) > 0.8 * fine(tried["mosaic"]) > 3 * fine(flat["faint noise"])
assert not fine(tiled["one gray"]) > 0.1 * fine(tiled["faint noise"])

# %%
# what does one pass give away? 15 steps on this very photo, in two styles (about 15 seconds)
panels, titles, losses_of = [], [], {}
for name in ("glass", "ink"):
    (once, goal), looks = pass_and_steps(vgg, net, photo("coffee", 96), name, 15)
    losses_of[name] = goal, [value for _, value in looks]
    panels += [once, looks[15][0]]
    titles += [f"{name}, one pass: {goal:.2f}", f"15 steps: {looks[15][1]:.2f}"]
show_images(panels, titles, columns=4, width=9)

# %% [markdown]
# The numbers are losses; 1 is the photo. In glass, 15 steps on this photo come lower than one pass; in ink not as low. So what a pass is worth in steps depends on the style. On the photo, too? Try another one. (`data/weights/styles.md` has 100 steps.)

# %% claim="glass: one pass takes away more than a third of the photo's loss, 15 steps get lower, 5 do not; ink: 15 steps do not get as low as one pass, also for a second photo"
(glass_once, glass_steps), (ink_once, ink_steps) = losses_of["glass"], losses_of["ink"]
assert glass_once < 0.66 and glass_steps[15] < 0.9 * glass_once
assert not glass_steps[5] < 1.1 * glass_once
assert ink_once < 0.9 * ink_steps[15]
second_once, second_looks = pass_and_steps(vgg, net, photo("china", 96), "ink", 15)
assert second_once[1] < 0.9 * second_looks[-1][1]

# %% [markdown]
# Other limits:
#
# - The network paints in the styles that have a row, and in mixtures of them. A new one needs a training.
# - All filters have a fixed size in pixels. Paint one photo at 128 and at 384 pixels: what happens to the strokes, beside the things in the photo?
# - What "content" is, VGG-19 decides here as well.

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
# - The same loss as in lesson 14, minimized over a network's weights: hours once, then about a second or less for each picture. A step of the training is four lines.
# - Instance norm takes brightness and contrast of the whole photo out, channel by channel. A place that is flat beside the rest stays weaker behind the norm. (Whether it gets strokes is up to the trained weights: in the first picture of the lesson the sky is full of tiles.) Batch norm with fixed statistics lets the contrast leak.
# - Repeat pixels, reflect the border, convolve: a flat area stays flat whatever the filter, without checkerboard or frame.
# - Many styles: shared filters, one row of $\gamma$ and $\beta$ for each style. Rows can be mixed, and a new row can be trained while everything else stays.
#
# **Papers.** Johnson, Alahi, Fei-Fei: *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016. Ulyanov, Lebedev, Vedaldi, Lempitsky: *Texture Networks: Feed-forward Synthesis of Textures and Stylized Images*, ICML 2016. Ulyanov, Vedaldi, Lempitsky: *Instance Normalization: The Missing Ingredient for Fast Stylization*, 2016. Dumoulin, Shlens, Kudlur: *A Learned Representation for Artistic Style*, ICLR 2017. Huang, Belongie: *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017. Odena, Dumoulin, Olah: *Deconvolution and Checkerboard Artifacts*, Distill 2016. Ronneberger, Fischer, Brox: *U-Net: Convolutional Networks for Biomedical Image Segmentation*, MICCAI 2015.
