# %% [markdown] lesson="11" title="Feature inversion, and which feature maps matter" minutes=80 needs="02, 07"
# You will be able to: find a picture that has given features; measure what a layer keeps and what it forgets; use total variation, and say what it
# costs; remove single feature maps and rank them; and tell "the information is there" from "the network uses it".

# %% tags=["setup"]
import torch

from course_utils import (
    check,
    explorers,
    gallery,
    labelled_photos,
    load_network,
    photo,
    quiz,
    show_images,
)
from course_utils.gradients import (
    ablated,
    channel_importance,
    feature_error,
    invert,
    pruning_curve,
    tv_norm,
)
from course_utils.hooks import forward_to
from course_utils.networks import randomized
from course_utils.plots import new_figure

# %%
# the result first: a photo, and a picture made from nothing but its features in the middle of VGG-19
vgg = load_network("vgg19")
cat = photo("cat", 112)
found = invert(vgg, cat, "relu3_1", steps=25)
show_images([cat[0], found[0]], ["the photo", "from its features at relu3_1"])

# %% [markdown]
# The right picture began as noise. The only thing that guided it are the numbers that the photo produces in one layer of VGG-19. Fur, eyes and whiskers are back, so
# these numbers still hold them. What about deeper layers?

# %% [markdown] notes="1" minutes=5
# Ask: if I give you only the output of the fifth convolution, 200 000 numbers, can you paint the photo? Let them guess what will be lost first: color, position, or detail. Write the
# guesses on the board and come back to them after the figure with four layers.

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
# $V_\beta$ is the **total variation**. For each pixel take the difference to the pixel below and to the pixel on the right, and then
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

# %% [markdown] solution="11.1"
# Inside an optimization the plain formula has a trap: for $\beta < 2$ the derivative of $v^{\beta/2}$ at $v = 0$ is infinite, and infinity times 0 is not a number. One flat
# region, and the whole picture turns into NaN. `tv_norm` sets the gradient to 0 where both differences are 0.

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
# your inversion of the first layer, from noise: after 0, 5, 20 and 60 steps
small = photo("cat", 64)
wanted = forward_to(vgg, small, ["relu1_1"])["relu1_1"]
start = 0.5 + 0.1 * torch.randn(small.shape, generator=torch.Generator().manual_seed(0))
pictures = [invert_features(vgg, "relu1_1", start, wanted, 30, n) for n in (0, 5, 20, 60)]
show_images(
    [x[0] for x in pictures] + [small[0]], ["start", "5 steps", "20 steps", "60 steps", "photo"]
)

# %% [markdown] solution="11.3"
# Plain descent works for the first layer. Deeper, it needs thousands of steps: some directions of the picture change the features a thousand times as much as others, and one `lr` cannot
# suit both. `invert` uses L-BFGS, which learns from earlier gradients how curved each direction is.

# %% [markdown]
# ## Spot the bug
#
# Mahendran & Vedaldi lower the learning rate by a factor of 10 every so many steps. A well-known repository of PyTorch visualizations does it with the lines below. It looks right.

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

# %% [markdown] solution="11.4"
# At the very first step $i = 0$, and 0 is a multiple of everything: the rate falls before it was ever used. The program runs, the pictures come out, only slower. No error message
# will tell you; a test of the first value does.

# %% [markdown]
# ## From shallow to deep
#
# **Predict, run, explain.** Four layers: relu2_2, relu3_1, relu4_1, relu5_1. What goes first on the way down: (a) the layout (where things are), (b) the colors, (c) fine detail? Write your order
# down, then run the cell.

# %% [markdown] notes="1" minutes=6
# An order of the three from the room before the cell. The cell takes a while: explain the error meanwhile.

# %%
# one photo from the features of four layers
layers = ["relu2_2", "relu3_1", "relu4_1", "relu5_1"]
results = {layer: invert(vgg, cat, layer, steps=40) for layer in layers}
show_images([cat[0], *(r[0] for r in results.values())], ["photo", *layers], columns=5)

# %%
# the same in numbers: how large is the feature error that is left, and how far are the pixels from the photo?
for layer, r in results.items():
    error = feature_error(vgg, cat, layer)(vgg, r)
    pixel_error = (r - cat).square().mean().sqrt()
    print(
        f"{layer}: the feature error is {error.item():.3f}; "
        f"pixels differ by {pixel_error:.3f} (root mean square)"
    )

# %% [markdown]
# Every feature error is far below a tenth (noise began near 1). Yet the pixels move away with depth. Shallow, the photo is back to the last hair. Deep, the layout is there (eyes, nose, stripes are where they were), the
# colors are wrong, and fine lines have become a texture. It is tempting to say: "the network has dropped the colors." **Is that true?**

# %% [markdown]
# ## Is the search at its end?
#
# A picture that is far from the photo can have two reasons: the layer no longer knows, or the search has not found it yet. There is a test. Let the same search run longer. What the layer does not know stays wrong; what the search had not found comes back.

# %% [markdown] notes="1" minutes=4
# Votes before the cell: after four times as many steps, will the colors be right?

# %%
# relu5_1 again, the same start, four times as many steps; chroma: what is left of a color without its brightness
longer = invert(vgg, cat, "relu5_1", steps=160)


def chroma(image):
    return image - image.mean(1, keepdim=True)


error = feature_error(vgg, cat, "relu5_1")
for steps, found in ((40, results["relu5_1"]), (160, longer)):
    off = (chroma(found) - chroma(cat)).square().mean().sqrt()
    print(f"{steps:3} steps: feature error {error(vgg, found).item():.4f}, chroma off by {off:.3f}")
show_images(
    [cat[0], results["relu5_1"][0], longer[0]], ["photo", "relu5_1, 40 steps", "relu5_1, 160 steps"]
)

# %% [markdown]
# The colors come back. relu5_1 had them all the time, and forty steps were too few to find them. So the row of pictures above cannot say what a layer has forgotten: it shows where each search stood. **Converge before you compare.**
# (We ran one layer longer, for one photo and one start. Try another: `invert(vgg, cat, "relu5_4", steps=300)` takes minutes.)

# %% claim="what looked like lost color was an unfinished search"
color_off = [
    (chroma(one) - chroma(cat)).square().mean().sqrt().item()
    for one in (results["relu5_1"], longer)
]
left = [error(vgg, one).item() for one in (results["relu5_1"], longer)]
assert color_off[1] < 0.65 * color_off[0]
assert left[1] < 0.3 * left[0]

# %% [markdown]
# ## What total variation does
#
# So far $\lambda$ was 0, and something else kept the pictures calm: `invert` describes a picture by its Fourier coefficients, low frequencies enlarged (lesson 09). The paper
# describes it by its pixels. There, $\lambda$ is what holds the noise down. (In `invert` it is called `tv_weight`, and $V_\beta$ is divided by the number of pixels, with $\beta = 2$: for the same effect its number is larger.)
#
# **Predict, run, explain.** Pixels with $\lambda = 0$, with a middle and with a large $\lambda$. Which looks most like the photo? Which has the largest feature error?

# %% [markdown] notes="1" minutes=4
# Ask which picture is the best, and by which measure.

# %%
# the paper's way, at relu3_1: pixels, and a growing weight of the total variation
rows, names, error = [], [], feature_error(vgg, cat, "relu3_1")
for weight in (0.0, 0.3, 10.0):
    r = invert(vgg, cat, "relu3_1", parameterization="pixels", tv_weight=weight, steps=30)
    rows.append(r[0])
    names.append(f"λ = {weight:g}: feature error {error(vgg, r).item():.3f}")
show_images(rows, names)

# %% [markdown]
# After these thirty steps a little total variation has taken some of the grain away, and the search has even got a little further. (At its end it cannot: the second term then costs features.) Much of it washes the picture out, and the feature error grows. Total
# variation is a **prior**: what we believe about photos, put into the picture by us. Where the features do not decide, *we* do. Keep this in mind when an inverted picture looks surprisingly real.

# %% [markdown]
# ## Which feature maps matter?
#
# Inversion tells what a layer *holds*. It does not tell what the network *uses*. For this, take something away and look at what is lost: set one channel of a layer to 0, for all positions, and
# measure how the loss of each photo changes. This is **ablation**. `ablated` does it for the time of a `with` block:

# %% [markdown] notes="1" minutes=13
# Ask for a guess: one channel gone, or ten? Then type 11.5; the slip is a hook that stays.

# %%
# the probability of "goose": the whole network, without channel 5, without channels 0 to 9
net = load_network("efficientnet_lite0")
goose = photo("goose")
sure = [net(goose).softmax(1)[0, 99].item()]
for channels in ([5], range(10)):
    with ablated(net, "blocks.2", list(channels)):
        sure.append(net(goose).softmax(1)[0, 99].item())
[round(p, 3) for p in sure]

# %% [markdown]
# Channel 5 alone costs this photo more than channels 0 to 9 together: removing one channel can undo the damage of another. Inside of the block the network has lost the channels; behind it, everything is as
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
mine = importance(net, "blocks.0", two, [99, 609])
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
# ones *together* and test on the **twenty labelled photos**, which the ranking has not seen. The comparison: removing channels at random, five times.
#
# **Predict, run, explain.** Three curves: least important first, most important first, at random. Will the random curve lie (a) halfway between the other two, (b) near the lower one, (c) near the upper one?
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
# remove a growing share, and test on the labelled photos
photos, labels, _ = labelled_photos()
shares = (0, 0.1, 0.2, 0.3)
orders = {
    "least important first": values.argsort(),
    "most important first": values.argsort(descending=True),
}
orders |= {
    f"random {s}": torch.randperm(40, generator=torch.Generator().manual_seed(s)) for s in range(5)
}
curves = {
    name: pruning_curve(net, photos, "blocks.2", labels, order, shares=shares)
    for name, order in orders.items()
}
random = torch.tensor([curve for name, curve in curves.items() if name.startswith("random")]).mean(
    0
)
figure, axes = new_figure(1, 2, width=8, aspect=0.75)
for index, (ax, what) in enumerate(zip(axes[0], ("accuracy", "loss"), strict=True)):
    ax.plot(
        shares,
        curves["least important first"][index],
        "o-",
        color="#1b7837",
        label="least important first",
    )
    ax.plot(shares, random[index], "o-", color="gray", label="random (mean of 5)")
    ax.plot(
        shares,
        curves["most important first"][index],
        "o-",
        color="#b2182b",
        label="most important first",
    )
    ax.set_xlabel("share of channels removed", fontsize=9)
    ax.set_title(f"{what} on twenty other photos", fontsize=10)
axes[0, 0].legend(fontsize=8)
figure

# %%
# what 20 % cost
at = shares.index(0.2)
for name, (accuracies, losses) in (
    ("least important", curves["least important first"]),
    ("random", random.tolist()),
):
    print(
        f"{name:15s}: accuracy {accuracies[0]:.0%} to {accuracies[at]:.0%}, "
        f"loss {losses[0]:.2f} to {losses[at]:.2f}"
    )

# %% [markdown]
# The ranking was made on ten photos without labels, and holds on twenty others. One photo is worth five percent, so read the loss rather than the accuracy. Nothing was trained again after the removal; with
# training, networks can lose far more channels. The random curve lies nearer to that of the least important ones. A random choice costs little as long as it misses the few channels at the left end of the bars, and much when it hits one: its curve is a mean of lucky and unlucky draws.

# %% [markdown] fold="Think: why the size of each change, and not the mean change?"
# Some removals *lower* the loss of some photos. Such channels would be the first to go. But the change has no reason to have the same sign on other photos. Try `channel_importance(..., signed=True)` and draw the
# curve again, once on the ten ranking photos and once on the twenty others.

# %% [markdown]
# ## Explore
#
# One photo, one layer, one search. The last result stays beside the new one.
#
# - Go from relu1_2 to relu5_1. Every search has the same number of steps: where are they enough?
# - relu5_1 with three seeds: what differs between the three pictures is what this search has not found.
# - relu3_1 over pixels: with no total variation, with some, with much.

# %%
# look into any layer: what does it still know of the photo?
explorers.Inversion(vgg)

# %% [markdown]
# ## What this picture does not show
#
# A good inversion looks like understanding. The test: invert a network that has learned **nothing**, VGG-19 with random weights.

# %% [markdown] notes="1" minutes=4
# Hide the titles at relu2_2: which network has learned?

# %%
# the sanity check: the same layers, random weights
nothing = randomized(vgg)
unlearned = {
    layer: invert(nothing, cat, layer, steps=steps)
    for layer, steps in (("relu2_2", 40), ("relu4_1", 160))
}
show_images(
    [
        results["relu2_2"][0],
        unlearned["relu2_2"][0],
        results["relu4_1"][0],
        unlearned["relu4_1"][0],
    ],
    ["relu2_2, trained", "relu2_2, random", "relu4_1, trained", "relu4_1, random, 160 steps"],
    columns=4,
)

# %% [markdown]
# At relu2_2 the random network gives the photo back almost as well as the trained one. Nobody had to learn that: a few convolutions of any kind keep most of a picture. So a good inversion of a shallow layer shows that the
# information **is still there**, not that the network has learned anything, nor that it uses it.
#
# At relu4_1 the random network needs more steps: after 40 its picture has only vague spots, after 160 the eyes, the nose and some of the spots are there. So even here training is not what keeps the layout. (`randomized` keeps the mean and the spread of each layer's weights.) He, Wang and Hopcroft (2016) report the same for deeper layers. And more:
#
# - Where the search stops, the picture still depends on its start.
# - What the layer leaves open, the method fills in: by total variation, by Fourier coefficients, by the start.
# - Ablation removes one channel at a time. Two channels that can stand in for each other both look unimportant.

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
# - Shallow layers give the photo back at once. Deep layers keep layout and color too, but the search needs many more steps: converge before you compare.
# - Total variation $V_\beta$ is a prior: it decides where the features do not. For $\beta < 2$ take care of flat regions.
# - Ablation asks what the network uses: remove a channel, measure the loss; rank on some photos, test on others, compare with random removal.
#
# **Papers.** Mahendran, Vedaldi: *Understanding Deep Image Representations by Inverting Them*, CVPR 2015. Dosovitskiy, Brox: *Inverting Visual Representations with Convolutional Networks*, CVPR 2016.
# He, Wang, Hopcroft: *A Powerful Generative Model Using Random Weights for the Deep Image Representation*, NIPS 2016. Molchanov et al.: *Pruning Convolutional Neural Networks for Resource Efficient Inference*, ICLR 2017.
