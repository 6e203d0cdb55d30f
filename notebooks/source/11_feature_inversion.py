# %% [markdown] lesson="11" title="Feature inversion, and which feature maps matter" minutes=95 needs="02, 07"
# You will be able to: find a picture that has given features; tell what a layer has forgotten from what a search has not found yet; use total variation, and say what it
# costs; remove single feature maps and rank them; and tell "the information is there" from "the network uses it".

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    gallery,
    inversions,
    labelled_photos,
    load_network,
    photo,
    quiz,
    resize,
    show_images,
    show_inversions,
)
from course_utils.gradients import (
    PARTS,
    ablated,
    channel_importance,
    feature_error,
    invert,
    picture_error,
    pruning_curve,
    tv_norm,
)
from course_utils.hooks import forward_to
from course_utils.networks import randomized
from course_utils.plots import new_figure
from course_utils.training.inversions import with_pooling

# %%
# the result first: a photo, and a picture made from nothing but its features in the middle of VGG-19
vgg = load_network("vgg19")
cat = photo("cat", 112)
found = invert(vgg, cat, "relu3_1", steps=25)
show_images([cat[0], found[0]], ["the photo", "from its features at relu3_1"])

# %% [markdown]
# The right picture began as noise. What guided it are the numbers that the photo produces in one layer of VGG-19 (and a description of pictures in which coarse things are found first; more on this below). Fur, eyes and whiskers are back, so
# these numbers still hold them. (No wonder yet: relu3_1 holds 200 704 numbers for the 37 632 of this picture.) What about deeper layers?

# %% [markdown] notes="1" minutes=5
# Ask: if I give you only the output of the fifth convolution, 200 000 numbers, can you paint the photo? Let them guess what will be lost first: color, position, or detail. Write the
# guesses on the board and come back to them after the figure with six layers.

# %% [markdown]
# ## The idea
#
# Write $\Phi(x)$ for the output of a layer when the network sees the picture $x$, and $\Phi_0 = \Phi(x_0)$ for the features of a photo $x_0$. **Feature inversion** (Mahendran &
# Vedaldi, 2015) searches a picture whose features are as close as possible:
#
# $$E(x) = \frac{\lVert \Phi(x) - \Phi_0 \rVert^2}{\lVert \Phi_0 \rVert^2} + \lambda\,V_\beta(x), \qquad \lVert a \rVert^2 = \sum a^2 .$$
#
# The first term is the **relative feature error**: 0 when the features are equal, 1 for a picture without any features. The second term, explained next, prefers calm pictures; $\lambda$ is its
# weight. Start from noise, and walk down the gradient of $E$ with respect to the pixels.
#
# Many pictures can have almost the same features. Where they differ, the layer does not care. So inversion shows you *what a layer no longer tells apart*.

# %% [markdown] notes="1" minutes=4
# One sentence: find a picture with the same numbers. Ask whether there can be more than one.

# %% [markdown]
# ## In the head first: total variation
#
# For $\beta = 1$, $V_\beta$ is the **total variation**; Rudin, Osher & Fatemi (1992) took it to clean noisy pictures. The exponent is Mahendran & Vedaldi's, and the name stays. For each pixel take the difference to the pixel below and to the pixel on the right, and then
#
# $$V_\beta(x) = \sum_{i,j}\Bigl((x_{i+1,j} - x_{ij})^2 + (x_{i,j+1} - x_{ij})^2\Bigr)^{\beta/2}.$$
#
# At the last row there is nothing below, and at the last column nothing on the right: that difference is 0, but the pixel's other difference still counts.
#
# A $4 \times 4$ picture, left half black (0), right half white (1). What is $V_1$? And $V_2$? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=13
# One step of 1 and two steps of a half on paper, for both powers. In 11.1 the last row and the last column are the
# trap.

# %%
# four rows, one step of height 1 in each: 4 for every beta
step = torch.zeros(4, 4)
step[:, 2:] = 1
tv_norm(step, beta=1).item(), tv_norm(step, beta=2).item()

# %%
# the same rise in two small steps of 1/2: beta decides
ramp = torch.zeros(4, 4)
ramp[:, 1], ramp[:, 2:] = 0.5, 1
tv_norm(ramp, beta=1).item(), tv_norm(ramp, beta=2).item()

# %% [markdown]
# For $\beta = 1$ one sharp step and two half steps cost the same. For $\beta = 2$ the half steps cost half: it prefers blur to edges.

# %% [markdown] exercise="11.1" title="Build it: total variation" points=2 difficulty=2 importance=3 minutes=10 own="course_utils.gradients:tv_norm"
# Write $V_\beta$ for a picture with channels, and add up the channels. Careful with the last row and the last column.


# %% exercise="11.1"
def total_variation(image, beta):
    """The total variation of a picture.

    image: (C, H, W), beta: a number greater than 0
    returns: one number
    """
    ### BEGIN SOLUTION
    down, right = torch.zeros_like(image), torch.zeros_like(image)
    down[:, :-1] = image[:, 1:] - image[:, :-1]
    right[:, :, :-1] = image[:, :, 1:] - image[:, :, :-1]
    return ((down**2 + right**2) ** (beta / 2)).sum()
    ### END SOLUTION


check("11.1", total_variation)

# %% [markdown] fold="Hint"
# `image[:, 1:] - image[:, :-1]` has one row less than the picture. Write it into a tensor of zeros that has the full shape. Do the same for the columns, then add the squares.

# %% [markdown] fold="I get: the last row and the last column are left out"
# You cut both differences to `(C, H-1, W-1)` so that they fit together. Then a pixel in the last row loses its difference to the right as well.

# %% uses="11.1"
# your total variation, per pixel: a photo, a blurred photo, noise
blurred = torch.nn.functional.avg_pool2d(
    torch.nn.functional.pad(cat, (2, 2, 2, 2), mode="replicate"), 5, stride=1
)
noise = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
for name, picture in (("photo", cat), ("blurred", blurred), ("noise", noise)):
    v1, v2 = (total_variation(picture[0], beta) / 112**2 for beta in (1, 2))
    print(f"{name:8s} V_1 {v1:.3f}   V_2 {v2:.4f}")

# %% [markdown]
# Blurring takes more of $V_2$ than of $V_1$, and noise is far above the photo in both: so a small $V_\beta$ means calm, and blur is calm, too.

# %% claim="blurring takes more of V_2 than of V_1; noise is far above the photo"
its_shares = [(tv_norm(blurred, beta=one) / tv_norm(cat, beta=one)).item() for one in (1, 2)]
assert its_shares[1] < 0.8 * its_shares[0] < 0.8 * 0.9
assert all(tv_norm(noise, beta=one) > 3 * tv_norm(cat, beta=one) for one in (1, 2))

# %% [markdown]
# **A trap.** As a number your total variation is right. To search a picture with it, you also need its gradient. For $\beta = 1$ a pixel's part is the root of a sum of squares. What is the gradient of
# $\sqrt{v^2}$ at $v = 3$, and at $v = 0$?

# %%
# the root of a square, and its gradient: at 3, and at 0
v = torch.tensor([3.0, 0.0], requires_grad=True)
(slopes,) = torch.autograd.grad(((v**2) ** 0.5).sum(), v)
slopes

# %% [markdown]
# At 0 the derivative of the root is infinite, and the chain rule multiplies it by the derivative of $v^2$, which is 0. Infinity times 0 is *not a number*. In a picture this happens wherever a pixel is equal to the one below and the
# one on its right: in every flat region, for every $\beta < 2$. In the next step the pixel itself is NaN, and with it all that is computed from it. `tv_norm` sets the gradient to 0 where both differences are 0.

# %% claim="for beta below 2 the plain formula has no gradient in a flat region; for beta = 2, and in tv_norm, it is 0"
for its_beta in (1.0, 1.5, 2.0):
    flat_region = torch.full((1, 3, 3), 0.5, requires_grad=True)
    plain = (
        (flat_region.diff(dim=1)[..., :-1] ** 2 + flat_region.diff(dim=2)[:, :-1] ** 2)
        ** (its_beta / 2)
    ).sum()
    assert torch.autograd.grad(plain, flat_region)[0].isnan().any().item() == (its_beta < 2)
    assert not torch.autograd.grad(tv_norm(flat_region, beta=its_beta), flat_region)[0].any()

# %% [markdown]
# ## Features on the way
#
# You need the output of a layer *with* its graph, so that a gradient can flow back. `forward_to(net, images, [layer])` runs the network up to that layer and stops there.

# %% [markdown] notes="1" minutes=14
# Type `forward_to` and look at the shape. 11.2 and 11.3 belong together: the room can write the loop alone.

# %%
# the features of one layer, and the gradient of their sum with respect to the pixels
pixels = cat.clone().requires_grad_()
features = forward_to(vgg, pixels, ["relu1_1"])["relu1_1"]
(gradient,) = torch.autograd.grad(features.sum(), pixels)
tuple(features.shape), tuple(gradient.shape)

# %% [markdown] exercise="11.2" title="Build it: the gradient of the feature error" points=2 difficulty=2 importance=5 minutes=8 own="course_utils.gradients:feature_error course_utils.gradients.inversion:_error"
# Return the gradient of the relative feature error $\lVert \Phi(x) - \Phi_0 \rVert^2 / \lVert \Phi_0 \rVert^2$ with respect to the pixels of `image`. `wanted` is $\Phi_0$.


# %% exercise="11.2"
def error_gradient(net, layer, image, wanted):
    """The gradient of the relative feature error with respect to the pixels.

    net: a network, layer: the name of a layer
    image: (1, 3, H, W), it must stay as it is; wanted: the features to reach, (1, C, h, w)
    returns: (1, 3, H, W)
    """
    ### BEGIN SOLUTION
    pixels = image.detach().clone().requires_grad_()
    features = forward_to(net, pixels, [layer])[layer]
    error = (features - wanted).square().sum() / wanted.square().sum()
    return torch.autograd.grad(error, pixels)[0]
    ### END SOLUTION


check("11.2", error_gradient)

# %% [markdown] fold="Hint"
# The cell above has everything except the error: `(features - wanted).square().sum() / wanted.square().sum()`.

# %% uses="11.2"
# a small step against your gradient, from noise: what it promises of the error at relu2_1, and what happens
start = 0.5 + 0.1 * torch.randn(cat.shape, generator=torch.Generator().manual_seed(0))
wanted = forward_to(vgg, cat, ["relu2_1"])["relu2_1"]
error_of = feature_error(vgg, cat, "relu2_1")
slope = error_gradient(vgg, "relu2_1", start, wanted)
for length in (0.01, 0.1, 1.0):
    promised = -length * slope.norm()
    real = error_of(vgg, start - length * slope / slope.norm()) - error_of(vgg, start)
    print(f"a step of length {length}: promised {promised.item():.4f}, real {real.item():.4f}")

# %% [markdown] exercise="11.3" title="Build it: walk down" points=2 difficulty=2 importance=5 minutes=8 own="course_utils.gradients:invert"
# Gradient descent: from `start`, make `steps` steps `x = x - lr * gradient`. Cut off to $[0, 1]$ once, at the end.


# %% exercise="11.3"
def invert_features(net, layer, start, wanted, lr, steps):
    """Gradient descent on the relative feature error.

    net, layer, wanted: as in exercise 11.2; start: (1, 3, H, W), it must stay as it is
    lr: the factor of the gradient, steps: how many steps
    returns: (1, 3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    x = start.detach().clone()
    for _ in range(steps):
        pixels = x.clone().requires_grad_()
        features = forward_to(net, pixels, [layer])[layer]
        error = (features - wanted).square().sum() / wanted.square().sum()
        x = x - lr * torch.autograd.grad(error, pixels)[0]
    return x.clamp(0, 1)
    ### END SOLUTION


check("11.3", invert_features)

# %% [markdown] fold="Hint"
# You may call your `error_gradient` from above, or write its lines into the loop. The gradient belongs to one picture: compute it anew in every step.

# %% picture="11.3"
# your inversion of the first layer, from noise: after 0, 5, 20 and 60 steps (lr is large: one pixel's gradient is small)
small = photo("cat", 64)
wanted = forward_to(vgg, small, ["relu1_1"])["relu1_1"]
start = 0.5 + 0.1 * torch.randn(small.shape, generator=torch.Generator().manual_seed(0))
pictures = [invert_features(vgg, "relu1_1", start, wanted, 30, n) for n in (0, 5, 20, 60)]
show_images(
    [x[0] for x in pictures] + [small[0]], ["start", "5 steps", "20 steps", "60 steps", "photo"]
)

# %% [markdown] solution="11.3"
# Plain descent works for the first layer. In a deeper layer some directions of the picture change the features much more than others, and one `lr` cannot
# suit both: it must be small enough for the first, and is then too small for the others. `invert` descends in another way, see below.

# %% [markdown]
# ## Spot the bug
#
# Many programs lower the learning rate by a factor of 10 every so many steps. The lines below look right. They follow the file `inverted_representation.py` of Utku Ozbulak's repository
# `pytorch-cnn-visualizations`; there the same test stands *behind* the step, so the very first step is the only one with the full rate.

# %% [markdown] notes="1" minutes=5
# Print the first ten learning rates of the stub and let the room see it.

# %% [markdown] exercise="11.4" title="Spot the bug: a learning rate that falls" points=1 difficulty=2 importance=2 minutes=6
# Return the list of the learning rates of all steps: `lr` for the first `every` steps, a tenth of it for the next `every` steps, and so on.


# %% exercise="11.4"
def learning_rates(lr, steps, every):
    """The learning rate of each step.

    lr: of the first steps; steps: how many in all; every: after so many, it falls to a tenth
    returns: a list of `steps` numbers
    """
    ### BEGIN SOLUTION
    rates = []
    for i in range(steps):
        if i > 0 and i % every == 0:
            lr = lr / 10
        rates.append(lr)
    return rates
    ### END SOLUTION
    ### BEGIN STUB
    # rates = []
    # for i in range(steps):
    #     if i % every == 0:
    #         lr = lr / 10
    #     rates.append(lr)
    # return rates
    ### END STUB


check("11.4", learning_rates)

# %% [markdown] fold="Hint"
# What is `0 % every`?

# %% uses="11.4"
# your rates in your descent of 11.3: 45 steps at relu1_1; one rate, yours, and a tenth from the first step on
face = photo("cat", 64)
wanted, error_of = (
    forward_to(vgg, face, ["relu1_1"])["relu1_1"],
    feature_error(vgg, face, "relu1_1"),
)
start = 0.5 + 0.1 * torch.randn(face.shape, generator=torch.Generator().manual_seed(0))
rates = {
    "30 in all steps": [30] * 45,
    "yours": learning_rates(30, 45, 30),
    "3 in all steps": [3] * 45,
}
for name, each in rates.items():
    x = start
    for rate in each:
        x = invert_features(vgg, "relu1_1", x, wanted, rate, 1)
    print(f"{name}: {error_of(vgg, x).item():.1%} of the error is left")

# %% [markdown]
# What does the bug cost, and what the falling rate? (It helps where a search jumps to and fro around its goal. Does yours? And here the picture is cut off to $[0, 1]$ after every step.)

# %% [markdown] solution="11.4"
# At the very first step $i = 0$, and 0 is a multiple of everything: the rate falls before it was ever used. The program runs, the pictures come out, only slower. No error message
# will tell you; a test of the first value does.

# %% [markdown]
# ## Is the search at its end?
#
# Go deeper, to relu5_1, the thirteenth convolution. We run one search and look at it three times: after 30 steps, after 60, and after 120, its last step. `invert` does not descend as you did, but by L-BFGS, which learns from earlier gradients how curved each direction is; here a *step* is one look at the features and their gradient.
#
# **Predict, run, explain.** After 30 steps the picture's colors will be wrong. After 120 steps, will they be (a) wrong in the same way, (b) wrong in another way, (c) right, at least coarsely? Write down your answer, and what it would say about the layer.

# %% [markdown] notes="1" minutes=8
# Votes before the cell. It takes a minute or two: explain the three parts of the error meanwhile, on a photo at the wall.

# %%
# one search at relu5_1; the callback is called at every step, and we keep what it sees
cat96, looks = photo("cat", 96), []


def watch(step, picture, error):
    looks.append((error.item(), picture))


invert(vgg, cat96, "relu5_1", steps=120, callback=watch)
# the best picture among the first 30 steps, the first 60, and all
stages = {n: min(looks[: n + 1], key=lambda look: look[0])[1] for n in (30, 60, 120)}
show_images(
    [cat96[0], *(picture[0] for picture in stages.values())],
    ["photo", *(f"relu5_1, {n} steps" for n in stages)],
    columns=4,
)

# %% [markdown]
# To say *how* wrong, take a picture apart:
#
# - **Luma** is brightness, $Y = 0.299\,R + 0.587\,G + 0.114\,B$: the eye takes green for the brightest. **Luma coarse** is its mean over squares of $8 \times 8$ pixels: where it is bright and where it is dark.
# - **Luma fine** is the rest of the luma, what each pixel differs from its square: edges, hairs, texture.
# - **Chroma** is what is left of a color without its brightness, $(R - Y, G - Y, B - Y)$. It is compared pixel by pixel, so it holds fine detail, too. **Chroma of squares** is the chroma of the squares' mean colors: this one you may compare with luma coarse.
#
# Luma coarse, luma fine and chroma add up to the picture. `picture_error` compares each part with the photo's: the root mean square of the difference, divided by the *spread* of the part in the photo. So 0 is the photo, and 1 is what you get if you know nothing but the mean: **one even color**, the photo's mean color, has the error 1 everywhere.
#
# Before you judge a layer with a number, see what the number says of pictures that you know: the photo moved by two pixels (what leaves on one side comes back on the other, and the edge there counts, too), mirrored, and with its squares shuffled (the same patterns, in wrong places).


# %%
# the scale: errors of four pictures that no layer has made
def four_errors(picture, of_photo):
    """Luma coarse, luma fine and chroma; and the chroma of squares of 8 x 8 pixels."""
    squares = [torch.nn.functional.avg_pool2d(x, 8) for x in (picture, of_photo)]
    return [*picture_error(picture, of_photo)[0].tolist(), picture_error(*squares)[0, 2].item()]


def shuffled(picture, seed=0):
    """The picture's squares of 8 x 8 pixels in another order."""
    squares = torch.nn.functional.unfold(picture, 8, stride=8)
    order = torch.randperm(squares.shape[2], generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.fold(squares[:, :, order], picture.shape[2:], 8, stride=8)


known = {
    "one even color": cat96.mean((2, 3), keepdim=True).expand_as(cat96),
    "moved by 2 pixels": cat96.roll((2, 2), (2, 3)),
    "mirrored": cat96.flip(3),
    "shuffled": shuffled(cat96),
}
parts = (*PARTS, "chroma of squares")
print(f"{'':18}" + "".join(f"{part:>19}" for part in parts))
for name, picture in known.items():
    print(f"{name:18}" + "".join(f"{e:19.2f}" for e in four_errors(picture, cat96)))

# %% [markdown]
# Read "moved by 2 pixels" twice. Nothing is lost in it, not a hair, and still its error in luma fine is above 1, *worse* than without any detail. A number that compares pixel by pixel asks whether a hair is **at this pixel**. It cannot tell a photo without hairs from one whose hairs are two pixels away. The same holds for chroma, a little less. Now the three pictures of the search:

# %%
# how far are the three pictures from the photo, and how far are their features?
error = feature_error(vgg, cat96, "relu5_1")
print(
    f"the noise: feature error {looks[0][0]:.2f}; moved photo: {error(vgg, known['moved by 2 pixels']).item():.2f}"
)
for n, picture in stages.items():
    print(
        f"{n:3} steps: feature error {error(vgg, picture).item():.4f}   "
        + "   ".join(
            f"{part} {e:.2f}" for part, e in zip(parts, four_errors(picture, cat96), strict=True)
        )
    )

# %% [markdown]
# After 30 steps the feature error is about a tenth or less, and still the colors are wrong. It is tempting to say: "the network has dropped the colors." But the same search, four times as long, brings the fur's color back: answer (c), coarsely (chroma of squares falls from far above 1, worse than one even color, to well below 1). A picture that is far from the photo can have two reasons: the layer no longer knows, or the search
# has not found it yet. So **converge before you compare**: let a search run on until its feature error is small. That the picture no longer changes is not enough: to stand still is not to have found.
#
# How small? To know that a layer *has* forgotten something, find two pictures that differ in it, and that the layer cannot tell apart. The photo is one of them. If the found picture is far from it, and its feature error is *small against that of a picture which you can just tell from the photo*, such as the moved photo, then the layer leaves open what is different. If its feature error is not small, you know nothing yet. We shall use this **criterion** in all figures below: a twentieth or less is small, a quarter or more is not, and between the two we do not decide.

# %% claim="what looked like lost color was an unfinished search"
at_stage = {n: four_errors(one, cat96) for n, one in stages.items()}
left_at = {n: error(vgg, one).item() for n, one in stages.items()}
assert left_at[30] < 0.15
assert looks[0][0] > 0.7
assert left_at[120] < 0.3 * left_at[30]
assert at_stage[120][3] < 0.5 * at_stage[30][3]
assert at_stage[30][3] > 1.5
assert at_stage[120][3] < 0.7
assert all(abs(e - 1) < 1e-3 for e in four_errors(known["one even color"], cat96))
assert picture_error(known["moved by 2 pixels"], cat96)[0, 1] > 1
assert picture_error(known["moved by 2 pixels"], cat96)[0, 0] < 0.6

# %% [markdown]
# ## From shallow to deep
#
# **Predict, run, explain.** On the way down, what goes first: (a) the layout, here luma coarse, (b) the colors, chroma of squares, (c) fine detail, luma fine? Write your order down, then run the cell.
#
# Long searches take too long for a lesson, so `inversions()` gives you pictures that were made before, all from the same noise: by `invert` as above. They took 100 steps for relu2_2, up to 500 for relu5_4, and 200 for the last column. (The command `python -m course_utils.training.inversions` makes them again.) That column is no feature map: **pooled** is the mean of each channel of the last layer (pool5) over all positions,
# 512 numbers: a *feature vector*, as in lesson 03. Below, the lines are the means of both photos. (VGG-19 was trained on 224 pixels. These pictures have 96, and relu5_1 only $6 \times 6$ positions.)

# %% [markdown] notes="1" minutes=8
# An order of the three from the room before the cell. Then read the figure column by column: what is the first thing that is wrong?

# %%
# two photos from the features of six layers
found = inversions()
show_inversions(found)

# %%
# one eye of the cat, enlarged
eyes = [
    x[:, 16:56, 10:50] for x in (cat96[0], *found.pictures[found.rows.index(("cat", "trained"))])
]
show_images(eyes, ["photo", *found.layers], columns=7, width=10)

# %%
# the criterion: feature errors of the moved and of the mirrored photo, and of what the searches have found
trained_net = with_pooling(vgg)  # VGG-19 with one more layer at its end, "pooled"
photos_of = {"cat": cat96, "china": photo("china", 96)}
trained_rows = {name: found.rows.index((name, "trained")) for name in photos_of}
print(f"{'':16}{'moved':>10}{'mirrored':>10}{'found':>10}    found: " + ", ".join(parts))
open_to = {}
for name, picture in photos_of.items():
    row = trained_rows[name]
    for i, layer in enumerate(found.layers):
        error_in = feature_error(trained_net, picture, layer)
        moved, mirrored = (
            error_in(trained_net, x).item() for x in (picture.roll((2, 2), (2, 3)), picture.flip(3))
        )
        left = found.feature_errors[row, i, 1].item()  # 1: after all steps (0: after half of them)
        open_to[name, layer] = moved, left, four_errors(found.pictures[row, i][None], picture)
        print(
            f"{name:6}{layer:10}{moved:10.4f}{mirrored:10.4f}{left:10.4f}    "
            + "  ".join(f"{e:.2f}" for e in open_to[name, layer][2])
        )

# %%
# two numbers that do not ask for the pixel, or not for the brightness: a pattern nearby, and the layout
luma = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def pattern(picture, of_photo, far):
    """The luma of each square of 8 x 8: its best correlation at most `far` pixels away, and the mean over the squares."""
    one, other = ((x * luma).sum(1, keepdim=True) for x in (picture, of_photo))
    best = []
    for dy in range(-far, far + 1):
        for dx in range(-far, far + 1):
            squares = [
                torch.nn.functional.unfold(x[..., 8:88, 8:88], 8, stride=8)  # (1, 64, 100)
                for x in (one.roll((dy, dx), (2, 3)), other)
            ]
            a, b = (x - x.mean(1, keepdim=True) for x in squares)
            best.append(torch.nn.functional.cosine_similarity(a, b, dim=1))
    return torch.stack(best).amax(0).mean().item()


def layout(picture, of_photo):
    """The correlation of luma coarse with the photo's: neither the mean brightness nor the contrast counts."""
    both = [
        (torch.nn.functional.avg_pool2d(x, 8) * luma).sum(1).flatten() for x in (picture, of_photo)
    ]
    return torch.corrcoef(torch.stack(both))[0, 1].item()


nearby = {}
print(f"{'':14}pattern: at its place   within 1 pixel   within 3 pixels   layout")
for name, picture in photos_of.items():
    pictures = {"moved": picture.roll((2, 2), (2, 3)), "shuffled": shuffled(picture)}
    pictures |= dict(zip(found.layers, found.pictures[trained_rows[name]][:, None], strict=True))
    for what, x in pictures.items():
        nearby[name, what] = *(pattern(x, picture, far) for far in (0, 1, 3)), layout(x, picture)
        print(f"{name:6} {what:10}" + "".join(f"{n:15.2f}" for n in nearby[name, what]))

# %% [markdown]
# Use the criterion: far from the photo, and yet a feature error of at most a twentieth of the moved photo's. In the second table "shuffled" is the floor: what a pattern in a wrong place gets. From shallow to deep:
#
# - **relu2_2 and relu3_1**: nearly the photo. What is left is fine grain; a longer search still removes some of it (empty and full marks).
# - **relu4_1**: luma fine is about 1, but the feature error is more than a hundred times smaller than that of the moved photo. At its place the pattern has a correlation of about a half with the photo's (0.42 and 0.57): more than in the moved photo. (At a half, and with the photo's contrast, luma fine is $\sqrt{2 - 2\cdot\frac12} = 1$.) Some of the rest is one pixel away: 0.62 and 0.72. (Half of this gain means nothing: a wrong pattern, laid over the photo until as much is right at its place, gains about so much.) So the layer leaves open the exact pattern of the hairs. It is not blind to a move: move all hairs, and its features change far more.
# - **relu5_1**: the same, further on: at its place the correlation is about a quarter or less (0.18 and 0.26). In the cat more of the pattern is nearby than in such a wrong one (0.66 within 3 pixels, against about 0.48); in china hardly (0.63, against about 0.58). Light and dark are where they were (layout 0.93 and 0.99). In the cat so are the colors, coarsely (chroma of squares 0.43; shuffled squares have 1.4); in china less so (0.61): its sky has lost the blue.
# - **relu5_4**: the pattern is at the floor, and luma coarse no better than one even color, *with* a feature error more than a hundred times smaller than that of the moved photo. This cat has another layout of light and dark (0.15); china keeps much of it (0.63), but is darker and in other colors. One such picture is enough to show what the layer leaves open.
# - **pooled**: the pattern is at the floor, and the colors are wrong. The cat's layout is gone (0.07). In china a little of it is left (0.36): the tower is still on the left. Here the feature error is only twenty to forty times smaller than the moved photo's.
#
# So (c) goes first. Between (a) and (b) we cannot decide: each error is measured in the spread of its own numbers, and china has little color.
#
# From relu5_1 on it could not be otherwise: relu4_1 holds 73 728 numbers for the 27 648 of this picture, relu5_1 and relu5_4 hold 18 432, and the vector 512. With fewer numbers than the picture has, something *must* be left open. Which things, the pictures tell.


# %% claim="by the criterion relu4_1 leaves open the exact pattern; at relu5_1 the layout comes back, and coarsely the cat's colors; at relu5_4 much of china's layout, not this cat's; from the vector a little of china's"
def as_right(its_name, its_layer, wrong):
    """The control: a wrong pattern over the photo, as right at its place as the found picture."""
    low, high = 0.0, 1.0
    for _its_turn in range(12):
        share = (low + high) / 2
        laid_over = (1 - share) * photos_of[its_name] + share * wrong
        if pattern(laid_over, photos_of[its_name], 0) > nearby[its_name, its_layer][0]:
            low = share
        else:
            high = share
    return laid_over


for its_name, its_photo in photos_of.items():
    for its_layer in found.layers:
        assert open_to[its_name, its_layer][0] > 20 * open_to[its_name, its_layer][1]
        if its_layer in ("relu4_1", "relu5_1", "relu5_4"):
            assert open_to[its_name, its_layer][0] > 100 * open_to[its_name, its_layer][1]
    of_layer = {its_layer: open_to[its_name, its_layer][2] for its_layer in found.layers}
    assert max(of_layer["relu2_2"]) < 0.5
    assert of_layer["relu3_1"][0] < 0.1
    assert of_layer["relu3_1"][1] < 0.6
    assert 0.8 < of_layer["relu4_1"][1] < 1.3
    assert max(of_layer["relu4_1"][0], of_layer["relu5_1"][0]) < 0.5
    assert of_layer["relu5_1"][1] > 2 * max(of_layer["relu5_1"][0], of_layer["relu5_1"][3])
    assert min(of_layer["relu5_4"][0], of_layer["relu5_4"][3]) > 0.95
    assert min(of_layer["pooled"]) > 0.95
    assert 0.36 < nearby[its_name, "relu4_1"][0] < 0.63
    assert nearby[its_name, "relu4_1"][0] > 1.2 * nearby[its_name, "moved"][0]
    assert nearby[its_name, "relu4_1"][1] > 0.55
    assert nearby[its_name, "relu5_1"][0] < 0.3
    assert nearby[its_name, "relu5_1"][2] > 0.55
    assert nearby[its_name, "relu5_1"][3] > 0.83
    assert of_layer["relu5_1"][3] < (0.5 if its_name == "cat" else 0.75)
    assert abs(four_errors(shuffled(its_photo), its_photo)[3] - 1.4) < 0.1
    for its_seed in range(3):  # the floor, and the control
        wrong = shuffled(its_photo, its_seed)
        floor = pattern(wrong, its_photo, 1), pattern(wrong, its_photo, 3)
        assert nearby[its_name, "relu4_1"][1] > floor[0] + 0.25
        assert nearby[its_name, "relu5_1"][2] > floor[1] + 0.04
        assert (
            not max(nearby[its_name, "relu5_4"][2], nearby[its_name, "pooled"][2]) > floor[1] + 0.08
        )
        assert abs(layout(wrong, its_photo)) < 0.25
        laid_over = as_right(its_name, "relu4_1", wrong)
        gain = nearby[its_name, "relu4_1"][1] - nearby[its_name, "relu4_1"][0]
        by_chance = pattern(laid_over, its_photo, 1) - pattern(laid_over, its_photo, 0)
        assert 0.4 * gain < by_chance < 0.6 * gain
for its_name, its_photo in photos_of.items():
    for its_seed in range(2):
        laid_over = as_right(its_name, "relu5_1", shuffled(its_photo, its_seed))
        nearby_in_wrong = pattern(laid_over, its_photo, 3)
        assert abs(nearby_in_wrong - {"cat": 0.48, "china": 0.58}[its_name]) < 0.02
        more = nearby[its_name, "relu5_1"][2] - nearby_in_wrong
        assert more > 0.13 if its_name == "cat" else abs(more) < 0.09
assert nearby["cat", "relu5_4"][3] < 0.3
assert nearby["china", "relu5_4"][3] > 0.5
shuffled_layouts = {
    its_name: [layout(shuffled(its_photo, its_seed), its_photo) for its_seed in range(8)]
    for its_name, its_photo in photos_of.items()
}
assert abs(nearby["cat", "pooled"][3]) < max(shuffled_layouts["cat"])
assert all(
    open_to[its_name, "pooled"][0] < 45 * open_to[its_name, "pooled"][1] for its_name in photos_of
)
assert max(shuffled_layouts["china"]) + 0.1 < nearby["china", "pooled"][3] < 0.45
skies = [  # blue minus green, in the sky
    (one_sky[2] - one_sky[1])[4:40, 64:94].mean().item()
    for one_sky in (photos_of["china"][0], *found.pictures[trained_rows["china"], 2:4])
]
assert skies[0] > 0.03
assert skies[1] > 0.7 * skies[0]  # still there at relu4_1
assert skies[2] < 0.2 * skies[0]
assert forward_to(vgg, cat96, ["relu5_1"])["relu5_1"].shape[1:] == (512, 6, 6)
assert (found.pictures[trained_rows["china"], 4].mean() < 0.9 * photos_of["china"].mean()).item()
for its_layer in ("relu4_1", "relu5_1"):
    assert 0.7 < open_to["cat", its_layer][2][3] / open_to["cat", its_layer][2][0] < 1.5
    assert open_to["china", its_layer][2][3] > 2 * open_to["china", its_layer][2][0]

# %% [markdown] fold="Think: the cat at relu5_4 has an eye on the left and one on the right (and one between them). Why is its luma coarse above 1, and its layout nearly 0?"
# Both numbers compare brightness, square by square. An eye in its place with light fur where the photo has dark fur is wrong for them. A number sees what it was made to see: look at the pictures, too.

# %% [markdown]
# ## What a feature vector leaves open
#
# The last column looks like pieces of a cat. Is this what the vector tells, or what the search made of one noise? Take another noise. Where the numbers decide, and the search finds it, two noises end in the same picture.

# %% [markdown] notes="1" minutes=4
# Ask: two searches with other noise. Will they find the same picture?

# %%
# the searches of the cat once more, from another noise (below), and how far the two are from each other
again = found.rows.index(("cat", "noise 1"))
one_noise, other_noise = found.pictures[trained_rows["cat"]], found.pictures[again]
show_images(
    [*one_noise, *other_noise],
    [f"{layer}, {noise} noise" for noise in ("one", "other") for layer in found.layers],
    columns=len(found.layers),
    width=11,
)

# %%
# how far are the two from each other?
between = {}
for i, (layer, one, other) in enumerate(zip(found.layers, one_noise, other_noise, strict=True)):
    between[layer] = picture_error(one[None], other[None])[0].tolist()
    its_errors = ", ".join(
        f"{found.feature_errors[row, i, 1]:.4f}" for row in (trained_rows["cat"], again)
    )
    print(
        f"{layer:8}"
        + "".join(f"{part} {e:.2f}   " for part, e in zip(PARTS, between[layer], strict=True))
        + f"feature errors {its_errors}; moved {open_to['cat', layer][0]:.4f}"
    )

# %% [markdown]
# At relu2_2 both noises lead to nearly one picture. The deeper the layer, the farther the two are apart, first in luma fine. At relu5_4 the second cat is nearer to the photo's layout: 0.43, not 0.15 (`layout(other_noise[4:5], cat96)`). For the vector they are two pictures of fur and eyes, with the eyes in other places, and both have a feature error far below that of the moved photo. The vector is not blind to places: it changes when the photo moves. But pictures with all things elsewhere can have nearly the same vector. It leaves open where they are. (That it is a mean over positions does not explain this alone: pool5 has nine positions here, and what each of them holds depends on the whole picture.)

# %% claim="from two noises: nearly one picture at relu2_2, other details at relu4_1, at relu5_4 a layout nearer to the photo's, another one for the vector; both with small errors"
assert max(between["relu2_2"]) < 0.4
assert between["relu4_1"][1] > 0.7
assert between["relu4_1"][0] < 0.5
assert between["pooled"][0] > 0.8
assert abs(layout(other_noise[4:5], cat96) - 0.43) < 0.02
assert (
    max(found.feature_errors[its_row, -1, 1] for its_row in (trained_rows["cat"], again))
    < 0.1 * open_to["cat", "pooled"][0]
)
with torch.no_grad():  # a far corner changes all nine positions of pool5
    its_corner = torch.ones(3, 96, 96)
    its_corner[:, :16, :16] = its_corner[:, -16:, -16:] = 0
    for one_corner in (cat96 * its_corner, cat96 * its_corner.flip(2)):
        its_change = trained_net.model.features(one_corner) - trained_net.model.features(cat96)
        assert its_change.shape[2:] == (3, 3)
        assert its_change.abs().amax((0, 1)).min() > 0

# %% [markdown]
# ## What total variation does
#
# So far $\lambda$ was 0, in your search, too. In `invert` something else kept the pictures calm: it describes a picture as a sum of waves, the long ones enlarged (by its Fourier coefficients, lesson 09). The paper
# describes it by its pixels. There, $\lambda$ is what holds the noise down. (In `invert` it is called `tv_weight`, and $V_\beta$ is divided by the number of pixels, with $\beta = 2$: for the same effect its number is larger.)
#
# **Predict, run, explain.** Pixels with $\lambda = 0$, with a middle and with a large $\lambda$. Which looks most like the photo? Which has the largest feature error?

# %% [markdown] notes="1" minutes=5
# Ask which picture is the best, and by which measure. Then the two paragraphs below: who decides what an inverted picture looks like?

# %%
# the paper's way, at relu3_1: pixels, and a growing weight of the total variation; at the right 0 once more, four times as long
rows, titles, error_31 = [], [], feature_error(vgg, cat96, "relu3_1")
for weight, n in ((0.0, 60), (1.0, 60), (6.0, 60), (0.0, 240)):
    one = invert(vgg, cat96, "relu3_1", parameterization="pixels", tv_weight=weight, steps=n)
    rows.append(one[0])
    coarse, fine, chroma = picture_error(one, cat96)[0].tolist()
    titles.append(
        f"λ = {weight:g}, {n} steps\nfeatures {error_31(vgg, one).item():.3f}, V₂ {(tv_norm(one) / tv_norm(cat96)).item():.2f}\n"
        f"fine {fine:.2f}, chroma {chroma:.2f}"
    )
show_images(rows, titles, columns=4, width=10)

# %% [markdown]
# With the middle $\lambda$ the grain is nearly gone, and the picture is nearer to the photo. With a large one the hairs are washed out, and after 60 steps the feature error is the largest. The picture at the right is the control: $\lambda = 0$ with four times as many steps has the smallest feature error of all, *and the grain*. So it was not the steps: relu3_1 leaves the grain open, and total variation chooses the calm picture. (Luma fine does not tell λ = 1 from λ = 6. Look at V₂, where the photo has 1: about three quarters, and less than a half.)
# Total variation is a **prior**: what we believe about photos, put into the picture by us. Where the features do not decide, *we* do.

# %% claim="some total variation takes the grain and brings color and detail nearer to the photo; more steps without it do not; much costs features"
by_weight = [picture_error(one[None], cat96)[0] for one in rows]
its_error = [error_31(vgg, one[None]).item() for one in rows]
assert (by_weight[1][1:] < 0.8 * by_weight[0][1:]).all()
assert tv_norm(rows[1], beta=2) < 0.7 * tv_norm(rows[0], beta=2)
assert its_error[2] > 1.5 * max(its_error[:2])
assert its_error[3] < 0.6 * its_error[0]
assert (by_weight[3][1:] > 1.2 * by_weight[1][1:]).all()
assert its_error[3] < its_error[1]
assert abs(by_weight[2][1] / by_weight[1][1] - 1) < 0.15
assert abs((tv_norm(rows[1]) / tv_norm(cat96)).item() - 0.75) < 0.1
assert tv_norm(rows[2]) < 0.5 * tv_norm(cat96)
assert tv_norm(rows[2], beta=2) < 0.8 * tv_norm(cat96, beta=2)

# %% [markdown]
# **Two other ways to fill in what the features leave open.** *Dosovitskiy & Brox (2016)* do not search. They train a second network, which takes the features and paints a picture, on very many photos and their features; it is punished for the squared difference between its picture and the photo. Then one pass
# through it answers for a new photo. Where many photos have the same features, the answer with the smallest mean error is the *mean* of these photos. So what the layer does not tell comes out blurred (and so does what the second network has not learned to paint). They report that colors and rough contours can be painted even from the
# class probabilities at AlexNet's end.
#
# *Nguyen et al. (2016)* search, but not over pixels. They search over the input of a **generator**, a network that was trained to paint a photo from its features, and ask which of its pictures excites a unit. (It is the ascent of lesson 09; the same prior serves for inversion.) As long as its input stays in the usual range, what it makes looks nearly natural, whatever the features say. It is the strongest
# prior of the three: what you see can come from the unit, or from the photos that the generator has seen.

# %% [markdown]
# ## Which feature maps matter?
#
# Inversion tells what a layer *holds*. It does not tell what the network *uses*. For this, take something away and look at what is lost: set one channel of a layer to 0, for all positions, and
# measure how the loss of each photo changes. This is **ablation**.
#
# We need a network that names classes, so from here on it is EfficientNet-Lite0. Its convolutions come in seven stages, `blocks.0` to `blocks.6`. We take the third, `blocks.2`: it has only 40 channels, so that you can remove each in turn. `net.class_index("goose")` is the number of the class among the 1000 scores.
# `ablated` removes channels for the time of a `with` block:

# %% [markdown] notes="1" minutes=13
# Ask for a guess: one channel gone, or ten? Then type 11.5; the slip is a hook that stays.

# %%
# the probability of "goose": the whole network, without channel 5, without channels 0 to 9
net = load_network("efficientnet_lite0")
goose, its_class = photo("goose"), net.class_index("goose")
sure = [net(goose).softmax(1)[0, its_class].item()]
for channels in ([5], range(10)):
    with ablated(net, "blocks.2", list(channels)):
        sure.append(net(goose).softmax(1)[0, its_class].item())
[round(p, 3) for p in sure]

# %% [markdown]
# Channel 5 alone costs this photo more than channels 0 to 9 together: here, removing one channel undoes the damage of another. Inside of the block the network has lost the channels; behind it, everything is as
# before. `ablated` uses a **forward hook**: a function that PyTorch calls after a layer has run. If the hook returns
# something, this replaces the layer's output:
#
# ```python
# def silence(module, inputs, output):
#     output = output.clone()
#     output[:, 5] = 0
#     return output
#
# handle = net.layer("blocks.2").register_forward_hook(silence)
# net(goose)                      # without channel 5
# handle.remove()                 # or it stays for ever
# ```

# %% [markdown] exercise="11.5" title="Build it: the importance of each channel" points=3 difficulty=3 importance=4 minutes=12 own="course_utils.gradients:channel_importance course_utils.gradients.importance:_ablation"
# For each channel $k$ of a layer: how much does the loss $-\log p_y$ of each image change when channel $k$ is removed? Take the **size** of each image's change, then the mean over the images:
#
# $$I_k = \frac1N \sum_{n=1}^{N} \bigl| L_n^{\text{without } k} - L_n \bigr| .$$


# %% exercise="11.5"
def importance(net, layer, images, labels):
    """The importance of each channel of a layer.

    net: a classifier, layer: a layer's name
    images: (N, 3, H, W), labels: a list of N right classes
    returns: (C,), one number for each channel of the layer
    """

    ### BEGIN SOLUTION
    def losses(silent):
        def silence(module, inputs, output):
            output = output.clone()
            output[:, silent] = 0
            return output

        handle = net.layer(layer).register_forward_hook(silence)
        scores = net(images)
        handle.remove()
        return torch.nn.functional.cross_entropy(scores, torch.tensor(labels), reduction="none")

    with torch.no_grad():
        channels = forward_to(net, images, [layer])[layer].shape[1]
        before = losses([])
        values = [(losses([k]) - before).abs().mean() for k in range(channels)]
    return torch.stack(values)
    ### END SOLUTION


check("11.5", importance)

# %% [markdown] fold="Hint"
# `cross_entropy(scores, labels, reduction="none")` gives one loss for each image. Compute it once for the whole network, and then for each $k$ with a hook that sets channel $k$ to 0. Remove the hook before the next one. Write the hook yourself: `ablated` is not
# there when the exercise is graded. The number of channels is `forward_to(net, images, [layer])[layer].shape[1]`.

# %% uses="11.5"
# your importance in a real network: the six most important of 16 channels at the entrance, for two photos
two = torch.cat([photo("goose"), photo("jeep")])
mine = importance(net, "blocks.0", two, [net.class_index(name) for name in ("goose", "jeep")])
print(
    "channels:",
    mine.topk(6).indices.tolist(),
    " importance:",
    [f"{v:.2f}" for v in mine.topk(6).values.tolist()],
)

# %% [markdown]
# ## Prune the least important
#
# Layer `blocks.2`, in the first half of the network, has 40 channels. Rank them on ten photos *without labels*: the network's own answer takes the place of the label. Then remove the least important
# ones *together* and test on the **twenty labelled photos**, which the ranking has not seen. The comparison: twenty random choices of 20 % of the channels.
#
# **Predict, run, explain.** Two curves: least important first, and most important first. Will the random choices lie (a) halfway between the two, (b) nearer to "least important first", (c) nearer to "most important first"?
# Write down your answer and one reason.

# %% [markdown] notes="1" minutes=6
# Ask how many channels may go before the network fails. Note the guesses.

# %%
# rank on ten color photos without labels (one forward pass for each of the 40 channels)
names = [p.name for p in gallery(labelled=False) if "gray" not in p.source]
unlabelled = torch.cat([photo(name) for name in names])
values = channel_importance(net, unlabelled, "blocks.2")
figure, axes = new_figure(width=7, aspect=0.3)
axes[0, 0].bar(range(40), values.sort(descending=True).values, color="#3b6ea5")
axes[0, 0].set_xlabel("channels of blocks.2, most important first", fontsize=9)
axes[0, 0].set_ylabel("importance", fontsize=9)
figure

# %%
# remove a growing share, and test on the labelled photos; at 20 % also twenty random choices
photos, labels, _ = labelled_photos()
shares = (0, 0.1, 0.2, 0.3)
orders = {
    "least important first": values.argsort(),
    "most important first": values.argsort(descending=True),
}
curves = {
    name: pruning_curve(net, photos, "blocks.2", labels, order, shares=shares)
    for name, order in orders.items()
}
at_random = []
for s in range(20):
    order = torch.randperm(40, generator=torch.Generator().manual_seed(s))
    (accuracy,), (loss,) = pruning_curve(net, photos, "blocks.2", labels, order, shares=[0.2])
    at_random.append([accuracy, loss, values[order[:8]].sum().item()])
at_random = torch.tensor(at_random).T
figure, axes = new_figure(1, 2, width=8, aspect=0.75)
for index, (ax, what) in enumerate(zip(axes[0], ("accuracy", "loss"), strict=True)):
    for (name, curve), color in zip(curves.items(), ("#1b7837", "#b2182b"), strict=True):
        ax.plot(shares, curve[index], "o-", color=color, label=name)
    ax.plot(
        [0.21] * 20,
        at_random[index],
        "o",
        color="gray",
        alpha=0.5,
        markersize=4,
        label="20 % at random, 20 times",
    )
    ax.set_xlabel("share of channels removed", fontsize=9)
    ax.set_title(f"{what} on twenty other photos", fontsize=10)
axes[0, 0].legend(fontsize=8)
figure

# %%
# what 20 % cost
at = shares.index(0.2)
for name, (accuracies, losses) in curves.items():
    print(
        f"{name}: accuracy {accuracies[0]:.0%} to {accuracies[at]:.0%}, "
        f"loss {losses[0]:.2f} to {losses[at]:.2f}"
    )
ranked = curves["least important first"][1][at]
print(f"random: accuracy {at_random[0].mean():.0%}, loss {at_random[1].mean():.2f} in the mean")
print(
    f"random choices with a smaller loss than the least important: {(at_random[1] < ranked).sum()} of 20"
)
together = torch.corrcoef(at_random[1:])[0, 1]
print(f"correlation of their loss with the importance that they removed: {together:.2f}")

# %% [markdown]
# The ranking was made on ten photos without labels, and on twenty others it is better than most random choices (the gray dots, drawn a little to the right), not than all of them. (If it told nothing, half of them would be better.) Does a ranking that knows no class do as well? Try `channel_importance(net, unlabelled, "blocks.2", by="activation")`. Channels were ranked one at a time, so two that can stand in for each other both look unimportant; they were removed together. One photo is worth five percent, so read the loss rather than the accuracy. Nothing was trained again after the removal; with
# training, networks can lose far more channels (Molchanov et al., 2017; with labels, the size of the change of the *mean* loss is their "oracle-abs"; we take each photo's size first).
#
# The random choices lie nearer to the least important ones. The last number fits a reason: a choice costs much if it happens to take much importance, and eight channels drawn from forty miss most of the few tall bars. (The output of this stage has negative numbers, too, so 0 is not "no signal". Setting a channel to its mean over many photos is the other usual choice.)

# %% claim="the ranking beats most random choices, which lie nearer to it than to the most important first; their loss follows the importance that they removed"
assert (at_random[1] < ranked).sum() < 7
assert at_random[1].mean() > 1.1 * ranked
its_most = curves["most important first"][1][at]
assert at_random[1].mean() - ranked < 0.4 * (its_most - at_random[1].mean())
assert together > 0.5
its_draws, by_luck = torch.Generator().manual_seed(0), []
for _its_turn in range(1000):  # the control: the losses in another order
    its_losses = at_random[1, torch.randperm(20, generator=its_draws)]
    by_luck.append(torch.corrcoef(torch.stack([its_losses, at_random[2]]))[0, 1] > 0.5)
assert not sum(by_luck) > 50

# %% [markdown] fold="Think: why the size of each change, and not the mean change?"
# Some removals *lower* the mean loss of the ten photos. With signs (`channel_importance(..., signed=True)`) these channels are the first to go. On the twenty others 20 % in this order cost more than random choices do in the mean: what lowers the loss of ten photos need not lower that of others. Draw the
# curve, once on the ten ranking photos and once on the twenty others.

# %% claim="ranked by the signed mean change, 20 % cost more on other photos than ranked by size, and than at random"
by_sign = channel_importance(net, unlabelled, "blocks.2", signed=True)
assert (by_sign < 0).sum() >= 8
((its_loss,),) = [
    pruning_curve(net, photos, "blocks.2", labels, by_sign.argsort(), shares=[0.2])[1]
]
assert its_loss > 1.4 * ranked
assert its_loss > 1.1 * at_random[1].mean()

# %% [markdown]
# ## Explore
#
# One photo, one layer, one search. The last result stays beside the new one.
#
# - Go from relu1_2 to relu5_4. Every search has the same number of steps, so all of them stop before their end, some far from it: raise the steps with `explorers.Inversion(vgg, steps=200)`. (In the stored picture the gray fur is such a search, no property of relu3_1.)
# - One layer with three seeds: what differs between the three pictures is what this search has not found, or what the layer does not tell.
# - relu3_1 over pixels: with no total variation, with some, with much.

# %%
# look into any layer: what does it still know of the photo?
explorers.Inversion(vgg)

# %% [markdown]
# ## What this picture does not show
#
# A good inversion looks like understanding. The test: invert a network that has learned **nothing**, VGG-19 with random weights.
#
# The comparison must be fair. With weights of another size the signals could fade or grow from layer to layer, and you would compare sizes. `randomized(vgg, scale="he")` draws each weight with the standard deviation $\sqrt{2/n}$, where $n$ is how many numbers an output is a sum of, and sets the
# biases to 0: so the signals keep their size (He et al., 2015). The photo, the noise, the optimizer and the number of steps are those of the figure above. The random weights are one draw, and the photo is the cat. (The first column is the photo in both rows; "random" and "trained" above it name the row.)

# %% [markdown] notes="1" minutes=7
# Hide the titles: which network has learned? Then the question of the last cell, before it runs.

# %%
# the same searches in a network that has learned nothing; below and dashed: the trained one, for the same photo
show_inversions(found, weights="random", beside="trained")

# %% [markdown]
# At relu2_2 and relu3_1 the random network gives the photo back as well as the trained one. Nobody had to learn that. So a good inversion of a shallow layer shows that the information **is still there**, not that the network has learned anything, nor that it uses it.
#
# At relu4_1 the random network's picture still has some of the cat's light and dark (layout 0.68); from relu5_1 on it is spots. Has the random layer forgotten the photo, or has the search not found it? Ask the criterion.

# %%
# feature errors of three pictures in the random network: moved, mirrored, and what the searches have found; last: the trained one
untrained = randomized(trained_net, scale="he")
of_random = found.rows.index(("cat", "random"))
print(f"{'':10}     moved  mirrored  after half     found  found, trained")
in_random = {}
for i, layer in enumerate(found.layers):
    error_in = feature_error(untrained, cat96, layer)
    in_random[layer] = [
        error_in(untrained, x).item() for x in (known["moved by 2 pixels"], known["mirrored"])
    ]
    in_random[layer] += found.feature_errors[of_random, i].tolist()
    in_random[layer].append(found.feature_errors[trained_rows["cat"], i, 1].item())
    print(f"{layer:10}" + "".join(f"{x:10.2g}" for x in in_random[layer]))

# %% [markdown]
# With trained weights the found picture's error is less than a hundredth of the moved photo's *in that network* (the table of the criterion, further up) from relu4_1 to relu5_4. With random weights it is about a third of it at relu4_1 and relu5_1: not small, so the layer can tell the picture from the photo, though at relu5_1 nothing of the cat is in it. At relu5_4 it is about an eighth: undecided. In all three, empty marks (after half of the steps) and full ones lie on each other, as if the search were at its end. It is not: the feature error has still fallen by about a quarter or more since half of the steps. So the figure does not say that a deep random layer has lost the photo, but that *this search, with these steps, does not find it*. (For the random vector the found error is small. There it is open, as it is for the trained one.)
#
# He, Wang and Hopcroft (2016) inverted random VGG networks and report that the pictures were *better* than those of the same method with trained weights. For some of their networks they drew each layer's weights several times and kept the best; ours is one draw, and at depth our search does not show this. (Even the architecture of a network alone is a strong prior: Ulyanov, Vedaldi & Lempitsky, *Deep Image Prior*, 2018.) **What does training change, then?** Ask which pictures the features take for near. Take the middle of a photo, mirror it, and darken it: what is on it stays.

# %%
# 20 photos: how many are nearer to their own changed copy than to any other photo? Distance of the directions (length 1)
scenes, _, _ = labelled_photos(96)
middle = resize(labelled_photos()[0][:, :, 56:168, 56:168], 96)
copies = {"darker": scenes * 0.6, "middle, mirrored": middle.flip(3)}
copies["all three"] = middle.flip(3) * 0.6
unit = torch.nn.functional.normalize  # to length 1


def means_of(a_net):
    """The mean of each channel of relu5_4 over all positions: (photos, 512)."""
    return lambda pictures: forward_to(a_net, pictures, ["relu5_4"])["relu5_4"].mean((2, 3))


descriptions = {"trained": means_of(vgg)}
for seed in range(3):
    descriptions[f"random {seed}"] = means_of(randomized(vgg, scale="he", seed=seed))
descriptions |= {"pixels": lambda x: x.flatten(1), "mean color": lambda x: x.mean((2, 3))}
near = {}
for name, describe in descriptions.items():
    described, there_of = describe(scenes), {what: describe(x) for what, x in copies.items()}
    for centered in (False, True):  # True: minus the mean of the 20 descriptions
        center = described.mean(0) * centered
        here = unit(described - center, dim=1)
        to_others = torch.cdist(here, here).fill_diagonal_(torch.inf).min(1).values
        for what, copy in there_of.items():
            there = unit(copy - center, dim=1)
            near[name, what, centered] = int(((there - here).norm(dim=1) < to_others).sum())
    print(
        f"{name:11}"
        + "   ".join(f"{what}: {near[name, what, False]:2} of 20" for what in copies)
        + f"   (centered: {near[name, 'middle, mirrored', True]:2}, {near[name, 'all three', True]:2})"
    )

# %% [markdown]
# Read the last rows first, they are the control. Darker alone is no test of knowledge: the pixels themselves pass it, once their length is 1. (The random networks fail it: they see the photo minus a fixed mean color, and 0.6 times a photo is not 0.6 times that.) The middle, mirrored, is a test: pixels fail, and three draws of random weights find about as many photos as the mean color alone. Their descriptions all point in nearly the same direction; so for the numbers in brackets (the middle, mirrored, and all three) the mean of the twenty photos was taken away first, from the changed copies, too. (The copies have another mean. With their own, the mean color finds 10, not 7 and 4.) None of these controls gets beyond half; six numbers, mean and spread of each color, find 12. The trained network finds every one, with all three changes at once. So training has changed *what counts as near*, in this layer. (Random weights were tried here only.) In part it was asked to: photos are usually cropped and mirrored in training. That is what lessons 03 and 04 live on, and an inversion does not show it.
#
# (Training can also change what an inversion looks like. Engstrom et al., 2019, inverted networks trained against the attacks of lesson 10, and even deep features gave back pictures that a person recognizes.)

# %% claim="shallow, random weights invert as well; deep, the random network's pictures stand still, and their feature errors still fall and are not small, at relu5_4 undecided"
shallow = found.errors[[trained_rows["cat"], of_random], :2, 1]
assert (shallow[1] < 1.25 * shallow[0] + 0.05).all()
for its_layer in ("relu4_1", "relu5_1", "relu5_4"):
    moved_error, half_error, found_error, found_trained = (
        in_random[its_layer][i] for i in (0, 2, 3, 4)
    )
    assert found_error > 0.1 * moved_error
    assert found_error < 0.82 * half_error
    assert found_trained < 0.01 * open_to["cat", its_layer][0]
    its_index = found.layers.index(its_layer)
    assert (
        found.errors[of_random, its_index].diff(dim=0).abs() < 0.05
    ).all()  # the picture: half, and all
for its_layer in ("relu4_1", "relu5_1"):
    assert 0.25 < in_random[its_layer][3] / in_random[its_layer][0] < 0.4
assert 0.1 < in_random["relu5_4"][3] / in_random["relu5_4"][0] < 0.16
assert in_random["pooled"][3] < 0.01 * in_random["pooled"][0]
assert found.errors[of_random, 2:4, 1, 0].min() > 0.7
assert abs(layout(found.pictures[of_random, 2][None], cat96) - 0.68) < 0.02
for its_index in (3, 4, 5):
    assert not layout(found.pictures[of_random, its_index][None], cat96) > 0.2

# %% claim="the middle, mirrored and dark: nearest for the trained network; not for pixels, mean color and three random networks, centered or not"
assert near["pixels", "darker", False] > 15
for its_name in descriptions:
    for its_copy, its_most in (("all three", 12), ("middle, mirrored", 14)):
        for its_center in (False, True):
            if its_name == "trained":
                assert near[its_name, its_copy, its_center] > 17
            else:
                assert not near[its_name, its_copy, its_center] > its_most
its_random = means_of(randomized(vgg, scale="he"))
its_here, its_mean = its_random(scenes[:4]), vgg.mean.view(1, 3, 1, 1)
assert 1 - unit(its_here, dim=1).mean(0).norm() < 0.01  # nearly the same direction
assert not 1 - unit(means_of(vgg)(scenes[:4]), dim=1).mean(0).norm() < 0.2
for its_copy in ("middle, mirrored", "all three"):  # two more trivial descriptions
    for its_describe, its_own_mean, its_count in (
        (descriptions["mean color"], True, 10),
        (lambda x: torch.cat([x.mean((2, 3)), x.std((2, 3))], 1), False, 12),
    ):
        of_scenes, of_copies = (
            unit(each_set - each_set.mean(0) * its_own_mean, dim=1)
            for each_set in (its_describe(scenes), its_describe(copies[its_copy]))
        )
        nearest_other = torch.cdist(of_scenes, of_scenes).fill_diagonal_(torch.inf).min(1).values
        its_near = int(((of_copies - of_scenes).norm(dim=1) < nearest_other).sum())
        assert abs(its_near - its_count) < 2
for its_copy, is_same in (
    (its_mean + 0.6 * (scenes[:4] - its_mean), True),
    (0.6 * scenes[:4], False),
):
    its_change = (unit(its_random(its_copy), dim=1) - unit(its_here, dim=1)).norm(dim=1)
    assert (its_change.max() < 0.001) == is_same

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("11")

# %% [markdown]
# ## Summary
#
# - Inversion: find $x$ with $\Phi(x) \approx \Phi_0$ by gradients on the pixels. It shows what a layer no longer tells apart.
# - Two reasons why a picture is wrong: the layer does not know, or the search has not found it. Converge before you compare. That a picture stands still is no proof. It shows what a layer leaves open only if its feature error is small (a twentieth or less) beside that of a moved photo.
# - On the way down VGG-19 first leaves open the exact pattern of fine detail. The layout of light and dark, and coarsely the cat's colors, come back in our searches down to relu5_1. relu5_4 leaves open much of the cat's layout, and china's brightness and colors; the pooled vector leaves open where things are. (What comes back from noise was in the numbers: nothing else knew the photo. What differs at a small feature error is left open. That no other picture fits, neither shows.)
# - Random weights keep a picture, too, at least in the shallow layers. Training changes which pictures are near to each other.
# - Total variation $V_\beta$ is a prior: it decides where the features do not. For $\beta < 2$ take care of flat regions.
# - Ablation asks what the network uses: remove a channel, measure the loss; rank on some photos, test on others, compare with random removal.
#
# **Papers.** Mahendran, Vedaldi: *Understanding Deep Image Representations by Inverting Them*, CVPR 2015. Dosovitskiy, Brox: *Inverting Visual Representations with Convolutional Networks*, CVPR 2016. Rudin, Osher, Fatemi: *Nonlinear Total Variation Based Noise Removal Algorithms*, Physica D 1992. Nguyen et al.: *Synthesizing the Preferred Inputs for Neurons in Neural Networks via Deep Generator Networks*, NeurIPS 2016. He, Zhang, Ren, Sun: *Delving Deep into Rectifiers*, ICCV 2015 (the random weights). He, Wang, Hopcroft: *A Powerful Generative Model Using Random Weights for the Deep Image Representation*, NeurIPS 2016. Molchanov et al.: *Pruning Convolutional Neural Networks for Resource Efficient Inference*, ICLR 2017. Ulyanov, Vedaldi, Lempitsky: *Deep Image Prior*, CVPR 2018. Engstrom et al.: *Adversarial Robustness as a Prior for Learned Representations*, 2019.
