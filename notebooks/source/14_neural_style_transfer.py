# %% [markdown] lesson="14" title="Neural style transfer: one picture's content, another one's style" minutes=90 needs="11, 13"
# You will be able to: write the losses of style transfer and minimize them; balance content against style; mix styles, set the size of the strokes and keep a photo's
# colors; and say what a Gram matrix calls "style" and what it does not know.

# %% tags=["setup"]
import torch

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.fun import gram_matrix, match_colors, style_transfer
from course_utils.fun.style_losses import STYLE_LAYERS, content_loss
from course_utils.fun.style_losses import style_loss as gram_objective
from course_utils.hooks import forward_to
from course_utils.images import resize
from course_utils.networks import randomized
from course_utils.stimuli import paintings, style_image

# %%
# the result first: a photo, a style, and the photo in this style (about 15 seconds)
vgg = load_network("vgg19")
temple = photo("china", 192, crop=False)
night = style_image("night", 160)
painting = style_transfer(vgg, temple, night, style_weight=100, steps=25)
show_images(
    [temple[0], night[0], painting[0]], ["content", "style", "painting"], columns=3, width=9
)

# %% [markdown]
# The temple is where it was, and the paint is the night's: its colors, its curved strokes. No brush, no rule about strokes, no training on paintings took place. The pixels of one picture were
# changed until two sets of numbers inside VGG-19 fitted.

# %% [markdown] notes="1" minutes=5
# Hold the three pictures next to each other and ask what was kept from each. Write the answers in two columns, "content" and "style". Keep the columns: the last section asks which of
# them the losses really know.

# %% [markdown]
# ## The idea
#
# Two lessons come together. In lesson 11 you found a picture with given **features**: deep features keep what is where and forget the exact pixels. In lesson 13 you found a picture with
# given **Gram matrices**: they keep what a texture is made of and forget where. Gatys, Ecker & Bethge (2016) ask one picture $x$ for both. With the third term, which Johnson's program *neural-style* (2015) added, and the scales of their code:
#
# $$L(x) = \alpha\,\underbrace{\operatorname{mean}\bigl[(F(x) - F(\text{content}))^2\bigr]}_{\text{content loss}} \;+\; \beta\,\underbrace{\sum_{\ell} w_\ell
# \operatorname{mean}\bigl[(G_\ell(x) - G_\ell(\text{style}))^2\bigr]}_{\text{style loss}} \;+\; \gamma\,\frac{V(x)}{3HW} .$$
#
# - $F$: the features of one deep layer, here `relu4_2`.
# - $F_\ell$: the features of layer $\ell$ as a table $C_\ell \times M_\ell$: a row for each of its $C_\ell$ channels, a column for each of its $M_\ell$ positions.
# - $G_\ell = \frac{1}{M_\ell} F_\ell F_\ell^{\mathsf T}$, a table $C_\ell \times C_\ell$: the Gram matrix; here of `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1`, `relu5_1`.
# - $w_\ell$: how much each layer counts, here $1/C_\ell^2$.
# - $V$: the total variation of lesson 11, with the power 2, here divided by the $3HW$ values of a picture with $H \times W$ pixels. It keeps neighbors similar.
# - $\alpha, \beta, \gamma$: `content_weight`, `style_weight`, `tv_weight`. Only their ratios matter. In all pictures of this lesson $\gamma = 0$, but for two in exercise 14.2.
#
# Then gradient descent on the pixels of $x$. **The start:** the paper starts from white noise. We start from the photo (`init="content"`). There the content loss is 0 already, and the style pushes the picture away from it. Whether the start matters is an experiment below.

# %% [markdown] notes="1" minutes=4
# Two columns again, content and style, now with the layer under each. Ask what the weight between them decides.

# %% [markdown]
# ## In the head first
#
# A layer with two channels and two positions. What is its Gram matrix, divided by the number of positions? What does it become when the two positions change places? *(Think,
# then run the cell.)*

# %% [markdown] notes="1" minutes=17
# The Gram matrix of two positions on paper. Type 14.1 with the room: one term for each layer. Start the picture, and
# explain total variation while it paints.

# %%
# two channels, two positions: (1, 0) and (2, 3)
features = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])  # (1, 2, 1, 2)
gram_matrix(features), gram_matrix(features.flip(3))

# %% [markdown]
# The two matrices are equal: places do not count. The number at row 0, column 1 is $(1\cdot 0 + 2\cdot 3)/2 = 3$: how strongly the two channels are active together.

# %% [markdown] exercise="14.1" title="Build it: the style loss" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.fun:style_loss"
# `features` is a list: one tensor `(C, H, W)` for each layer, of different sizes. `targets` is a list of Gram matrices `(C, C)`, already divided by *their* number of positions.
# For each layer take the mean squared difference of the Gram matrices, times the layer's weight. Add up. The picture will move along the gradient of this number, so compute with tensors up to the end (no `.item()`).


# %% exercise="14.1"
def style_loss(features, targets, weights):
    """The style loss over several layers.

    features: a list of tensors (C, H, W); targets: a list of Gram matrices (C, C), divided by their positions
    weights: a list of numbers, one for each layer
    returns: one number, a tensor that can be differentiated
    """
    ### BEGIN SOLUTION
    total = 0
    for layer, target, weight in zip(features, targets, weights, strict=True):
        flat = layer.flatten(1)
        gram = flat @ flat.T / flat.shape[1]
        total = total + weight * ((gram - target) ** 2).mean()
    return total
    ### END SOLUTION


check("14.1", style_loss)

# %% [markdown] fold="Hint"
# `flat = layer.flatten(1)` has a row for each channel and a column for each position. `flat @ flat.T` is the Gram matrix, `flat.shape[1]` the number of positions.

# %% picture="14.1"
# your loss at work: 60 steps with Adam from the photo, 112 pixels (about 10 seconds)
small = photo("china", 112, crop=False)
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
seen = layer_outputs(vgg, style_image("night", 112), layers)
targets = [gram_matrix(seen[name])[0] for name in layers]
wanted = layer_outputs(vgg, small, ["relu4_2"])["relu4_2"]
weights = [1 / len(target) ** 2 for target in targets]
x = small.clone().requires_grad_()
optimizer = torch.optim.Adam([x], lr=0.03)
for _ in range(60):
    found = forward_to(vgg, x, [*layers, "relu4_2"])
    loss = (found["relu4_2"] - wanted).square().mean()
    loss = loss + 1e3 * style_loss([found[name][0] for name in layers], targets, weights)
    x.grad = torch.autograd.grad(loss, x)[0]  # only for the pixels, put where Adam looks for it
    optimizer.step()
    x.data.clamp_(0, 1)
show_images([small[0], x.detach()[0]], ["photo", "60 of your steps"], columns=2, width=5)

# %% [markdown] solution="14.1"
# A mean over the matrix, a sum over the layers. The division by the positions makes Gram matrices of pictures of different sizes comparable; exercise 13.6 shows what happens without it.

# %% [markdown] exercise="14.2" title="Total variation" points=1 difficulty=1 importance=2 minutes=5 own="course_utils.gradients:tv_norm"
# $V$ is the sum of lesson 11 with $\beta = 2$. Write it once more, now in two lines: add up the squared differences of all neighbors, side by side and above each other, over all channels.


# %% exercise="14.2"
def tv_loss(image):
    """The total variation: the sum of squared differences of neighboring pixels.

    image: (1, 3, H, W)
    returns: one number
    """
    ### BEGIN SOLUTION
    across = image[:, :, :, 1:] - image[:, :, :, :-1]
    down = image[:, :, 1:, :] - image[:, :, :-1, :]
    return (across**2).sum() + (down**2).sum()
    ### END SOLUTION


check("14.2", tv_loss)

# %% [markdown] fold="Hint"
# `image[:, :, :, 1:]` leaves out the first column, `image[:, :, :, :-1]` the last. Their difference holds all neighbors side by side.

# %% picture="14.2"
# your V of a photo, of noise, and of paintings with three weights of V, 96 pixels (about 12 seconds)
little = photo("china", 96, crop=False)
noise = torch.rand(little.shape, generator=torch.Generator().manual_seed(0))
smooth = [0, 1e8, 1e9]
calm = [
    style_transfer(vgg, little, style_image("night", 112), style_weight=100, steps=20, tv_weight=w)
    for w in smooth
]
shown = {"photo": little, "noise": noise}
shown |= {
    f"tv_weight {w:.0e}" if w else "tv_weight 0": p for w, p in zip(smooth, calm, strict=True)
}
show_images(
    [p[0] for p in shown.values()],
    [f"{name}\nV = {float(tv_loss(p)):.0f}" for name, p in shown.items()],
    columns=5,
    width=9,
)

# %% [markdown]
# A weight of a hundred million sounds like much. But the style loss counts in hundreds of thousands, and $V/(3HW)$ in hundredths: two terms of a loss are to be compared after their weights, not by them. With a thousand million the strokes blur.

# %% claim="the larger tv_weight, the smaller V; V is a few hundredths a value at most, and the photo's style loss a hundred thousand or more"
variation = [float(tv_loss(p)) / p.numel() for p in calm]
assert variation[1] < 0.97 * variation[0] and variation[2] < 0.7 * variation[0]
assert variation[0] < 0.05
assert gram_objective(vgg, [style_image("night", 112)])(vgg, little).item() > 1e5

# %% [markdown] own="course_utils.fun:style_transfer"
# ## Many styles
#
# The course drew its own style pictures (`data/styles`, free to use). `style_transfer` minimizes the loss with **L-BFGS**, which learns the curvature of
# the loss from its last gradients, and it paints a picture of half the size first: `steps=20` means 20 steps at half the size, and then 20 at the full size. 20 are few; give it 100 at home.

# %% [markdown] notes="1" minutes=10
# The large painting first; ask what of the cat suffered most, and where. Start the next cell, and read the numbers above the paintings. For the two weights collect predictions: colors, stars, roofs.

# %%
# another photo in another style, 320 pixels, painted beforehand with more steps (`paintings` reads it)
large = paintings("large")[0]
cat, woodcut = photo(large.content, 320, crop=False), style_image(large.style, large.style_size)
show_images(
    [cat[0], woodcut[0], large.picture], ["content", "style", "painting"], columns=3, width=9
)

# %%
# three styles with one weight, live, and the photo's style loss for each (about 15 seconds)
view = photo("china", 128, crop=False)
names = ["glass", "waves", "dots"]
styles = [style_image(name, 128) for name in names]
paintings_10 = [style_transfer(vgg, view, one, style_weight=10, steps=20) for one in styles]
at_start = [gram_objective(vgg, [one])(vgg, view).item() / 1e6 for one in styles]
titles = [f"{n}: {x:.1f} million" for n, x in zip(names, at_start, strict=True)]
show_images(
    [picture[0] for picture in styles + paintings_10],
    [*titles, *["style_weight 10"] * 3],
    columns=3,
    width=6,
)

# %% [markdown]
# The number is the style loss of the photo, before any painting. The weight is the same for all three, and the losses are not: what is 10 for the waves is much more for the glass.

# %% claim="with the same weight, the photo's style loss for glass is several times that for waves and dots"
assert at_start[0] > 4 * max(at_start[1:])

# %% [markdown]
# **Predict, run, explain.** Now one style with the weights 1 and 100, and then with no content loss at all (`content_weight=0`), always from the photo. Last, we start at *that* picture and give the content its weight back.
# When do the colors change, when do stars appear in the sky, when do the roofs get lost, and do they come back? Write it down, then run the cell.

# %%
# less style, more style, no content, and back (about 18 seconds)
row = [style_transfer(vgg, view, night, style_weight=w, steps=20) for w in (1, 100)]
lost = style_transfer(vgg, view, night, style_weight=100, content_weight=0, steps=20)
back = style_transfer(vgg, view, night, style_weight=1, init=lost, scales=1, steps=20)
show_images(
    [row[0][0], row[1][0], lost[0], back[0]],
    ["style_weight 1", "style_weight 100", "no content loss", "from there, style_weight 1"],
    columns=4,
    width=9,
)

# %% [markdown]
# At 1 the colors have changed and strokes appear; at 100 there are stars and whirls. With no content loss at all the temple still stands after these steps (of the style loss a few hundredths are left; more steps may take more of the temple). Nothing in the loss asks for it, so it can only come from the **start**: the search went from the photo to a place
# near it where the style loss is low, and it left the temple there. With the content loss again, and little style, the stars go: a weight decides where the search may end, and the start decides, too. (At 100 the content loss hardly counts: the pictures with and without it are nearly the same.)
#
# No weight is the right one. The two losses ask for different things, and the weight says what you give up for what.

# %% claim="without a content loss the photo's features are still nearer than the night's, and with it again they come nearly back"
of_view_features = content_loss(vgg, view)
night_content = of_view_features(vgg, resize(night, tuple(view.shape[2:]))).item()
kept = [of_view_features(vgg, p).item() / night_content for p in (*row, lost, back)]
painted = [gram_objective(vgg, [night])(vgg, p).item() / 1e6 for p in (*row, lost, back)]
at_night = gram_objective(vgg, [night])(vgg, view).item() / 1e6
assert kept[2] < 0.85
assert kept[2] < 1.15 * kept[1]
assert kept[3] < 1.5 * kept[0] and kept[3] < 0.4 * kept[2]
assert painted[2] < 0.1 * at_night
assert painted[3] < 1.5 * painted[0] and painted[3] > 2 * painted[2]

# %% [markdown]
# ## The start and the layers
#
# Three choices are left: where the search starts, whose Gram matrices are the style, and whose features are the content. Gatys, Ecker & Bethge compare layers and starts, too. Here is one portrait in one style. So that a weight means
# the same with every set of layers, losses have units here: a content loss of 1 is that of the style picture, a style loss of 1 is that of the photo. The style always weighs 10 times as much as the content.
#
# **Predict:** what will `relu1_1` alone call style? Will the portrait come out of noise?

# %% [markdown] notes="1" minutes=8
# Cover the right half of the figure, and let the class name what is missing from `relu1_1`. Then the lower row: why may the face be blue, when both losses are small?

# %%
# the start (rows) and the layers of the style (columns); painted beforehand, 80 steps at each of two sizes
stored = paintings("layers")
portrait, waves = photo("astronaut", 128), style_image("waves", 160)


def said(p):
    """What is left of both losses."""
    return f"content {p.content_loss[-1]:.2f}, style {p.style_loss[-1]:.3f}"


deep = [p for p in stored if p.content_layer == "relu4_2" and p.seed == 0]
words = {1: "relu1_1 only", 3: "up to relu3_1", 5: "all five"}
show_images(
    [portrait[0], *[p.picture for p in deep[:3]], waves[0], *[p.picture for p in deep[3:]]],
    [
        "photo, where row 1 starts",
        *[f"{words[len(p.style_layers)]}\n{said(p)}" for p in deep[:3]],
        "style; row 2 starts from noise",
        *[f"{words[len(p.style_layers)]}\n{said(p)}" for p in deep[3:]],
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# Row 1: `relu1_1` alone calls colors style. The cream and the blue of the waves are there, and hardly a line. With `relu2_1` and `relu3_1` the lines come.
#
# Row 2: the same losses, from noise. The portrait does come out of the noise. But look at the face in the second picture: it is dark and blue. Both of its losses are small, and still it is another picture. `relu4_2` hardly says which color a cheek has, and the Gram matrix of `relu1_1` says which colors there
# are, not where. From the photo nobody has to say it: light and dark are there at the start. So the start is a part of the method, and these searches have not forgotten it. (More steps would not bring the face back: in the last 40, the sum of the losses of the blue one has not fallen any more.)

# %% claim="relu1_1 alone leaves the lines out, and from noise it does not put light and dark where the photo has them"
of_lines = gram_objective(vgg, [waves], layers=["relu3_1"])
lines = [of_lines(vgg, p.picture[None]).item() / of_lines(vgg, portrait).item() for p in deep[:2]]
assert lines[0] > 0.4 and lines[1] < 0.1
grays = torch.stack([p.picture.mean(0).flatten() for p in deep] + [portrait[0].mean(0).flatten()])
alike = torch.corrcoef(grays)[-1]
assert alike[0] > 0.6
assert alike[3] < 0.4
assert deep[3].content_loss[-1] < 0.25 and deep[3].style_loss[-1] < 0.1
half, end = (c + 10 * s for c, s in zip(deep[3].content_loss, deep[3].style_loss, strict=True))
assert end > 0.98 * half

# %%
# the layer of the content, and two starts from noise
shallow = next(p for p in stored if p.content_layer == "relu2_2")
seeds = [p for p in stored if p.start == "noise" and len(p.style_layers) == 5]
show_images(
    [deep[2].picture, shallow.picture, *[p.picture for p in seeds]],
    [
        f"content relu4_2, from the photo\n{said(deep[2])}",
        f"content relu2_2, from the photo\n{said(shallow)}",
        *[f"content relu4_2, noise {p.seed}\n{said(p)}" for p in seeds],
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# With `relu2_2` as the content, more of the photo's own pixels stay: look at the face and the badges. With `relu4_2` they are drawn anew in the lines of the waves. (Gatys et al. compare `conv2_2` with `conv4_2` and show the same.)
#
# The last two pictures differ in nothing but the noise they started from. Add content and 10 times style: their sums are nearly equal, to each other and to that of the first picture. The lines run in other places. The loss is low in many places, and none of these three is the right picture.

# %% claim="relu2_2 keeps more of the photo's pixels; three starts end at nearly the same loss, at different pictures"
apart_by = [(p.picture - portrait[0]).square().mean().sqrt().item() for p in (shallow, deep[2])]
assert apart_by[0] < 0.9 * apart_by[1]
sums = [p.content_loss[-1] + 10 * p.style_loss[-1] for p in (deep[2], *seeds)]
assert max(sums) < 1.15 * min(sums)
assert (seeds[0].picture - seeds[1].picture).square().mean().sqrt().item() > 0.1

# %%
# one of them live, with fewer steps (about 5 seconds): the style is relu1_1 only
only = ["relu1_1"]
of_content = content_loss(vgg, portrait)
of_relu1_1 = gram_objective(vgg, [waves], layers=only)
units = [
    of_content(vgg, resize(waves, (128, 128))).item(),
    of_relu1_1(vgg, portrait).item(),
]
live = style_transfer(
    vgg, portrait, waves, style_layers=only, style_weight=10 * units[0] / units[1], steps=20
)
left = of_content(vgg, live).item() / units[0], of_relu1_1(vgg, live).item() / units[1]
show_images(
    [deep[0].picture, live[0]],
    [
        f"beforehand, 80 steps\n{said(deep[0])}",
        f"now, 20 steps\ncontent {left[0]:.2f}, style {left[1]:.3f}",
    ],
    columns=2,
    width=5,
)

# %% [markdown]
# ## How large are the strokes?
#
# A layer sees a fixed number of pixels: one position of `relu3_1` sees 24 × 24. If the style picture is small, each of its strokes has few pixels, and so it has in the painting.

# %% [markdown] notes="1" minutes=4
# Show the two style pictures first: where is the large whirl in the small one? Ask what happens to the strokes.

# %%
# the night at 64 and at 256 pixels, and what is painted from each, all at one scale (about 16 seconds)
nights = [style_image("night", size) for size in (64, 256)]
of_nights = [style_transfer(vgg, view, one, style_weight=100, steps=20) for one in nights]
first_three = style_transfer(
    vgg, view, nights[0], style_weight=100, steps=20, style_layers=STYLE_LAYERS[:3]
)
detail = nights[1][:, :, :128, 128:]


def on_canvas(picture):
    """A picture on white, 128 x 128 pixels."""
    canvas = torch.ones(3, 128, 128)
    canvas[:, : picture.shape[2], : picture.shape[3]] = picture[0]
    return canvas


show_images(
    [on_canvas(p) for p in (nights[0], of_nights[0], first_three, detail, of_nights[1])],
    [
        "the style, 64 pixels",
        "painted from it",
        "painted from it, three layers",
        "the style, 256 pixels: a quarter of it",
        "painted from it",
    ],
    columns=3,
    width=6.5,
)

# %% [markdown]
# From the small night the sky gets many small stars, from the large one a single large whirl and long strokes. (At 64 pixels the single strokes of the night are gone already: what repeats in the painting is stars and whirls.)
#
# Now look at the left edge of the two paintings from the small night. With all five layers it is dark, like the cypress in the style. With three layers it is not. One position of `relu5_1` sees 156 × 156 pixels: more than the whole small night. What lies inside of one patch is not forgotten.

# %% claim="with all five layers the small night darkens the left edge of the sky, with three layers it does not, and the large night does not"
edge = [
    (p[:, :, 20:55, :10].mean() / p[:, :, :45, 64:].mean()).item()
    for p in (of_nights[0], first_three, of_nights[1], view)
]
assert edge[0] < 0.9 * edge[3]
assert not edge[1] < 0.9 * edge[3]
assert not edge[2] < 0.9 * edge[3]

# %% [markdown]
# ## One style, several pictures
#
# A painter has more than one picture. Their common Gram matrix is a mean over the positions of *all* of them.
#
# The function below takes the features of several pictures in one batch. It was tested with one picture, and it is wrong for more.

# %% [markdown] notes="1" minutes=8
# Ask what `reshape` does with a batch of two: write the eight numbers of a tensor (2, 2, 2) in a row, and cut the row in two.

# %% [markdown] exercise="14.3" title="Spot the bug: several pictures" points=2 difficulty=3 importance=4 minutes=8
# Run the cell as it is, and repair it.


# %% exercise="14.3"
def painters_gram(pictures):
    """The Gram matrix of several pictures together.

    pictures: features (N, C, H, W) of one layer
    returns: (C, C), divided by the number of positions of all pictures
    """
    ### BEGIN SOLUTION
    rows = pictures.transpose(0, 1).flatten(1)
    return rows @ rows.T / rows.shape[1]
    ### END SOLUTION
    ### BEGIN STUB
    # channels = pictures.shape[1]
    # rows = pictures.reshape(channels, -1)  # one row for each channel
    # return rows @ rows.T / rows.shape[1]
    ### END STUB


check("14.3", painters_gram)

# %% [markdown] fold="Hint"
# In memory the batch is one long row: picture 0 with all its channels, then picture 1. `reshape` cuts this row into pieces of equal length. Which numbers should be neighbors in a row? `transpose(0, 1)` moves the channels to the front.

# %% [markdown] solution="14.3"
# The shape was right, and no error message came: each "channel" held pieces of several channels. With one picture there is nothing to mix. Programs that were written for one image are full of such lines.

# %% uses="14.3"
# your matrix of the four quarters of the night, taken for four pictures: how far from the whole night's?
whole = style_image("night", 256)
quarters = whole.unfold(2, 128, 128).unfold(3, 128, 128).flatten(2, 3)[0].transpose(0, 1)
of_whole, of_quarters, of_other = (
    layer_outputs(vgg, p, ["relu3_1"])["relu3_1"]
    for p in (whole, quarters, style_image("ink", 256))
)
reference = gram_matrix(of_whole)[0]


def as_it_was(pictures):
    """The Gram matrix before your repair."""
    rows = pictures.reshape(pictures.shape[1], -1)
    return rows @ rows.T / rows.shape[1]


for name, features_of in (("its four quarters", of_quarters), ("another style", of_other)):
    yours, buggy = (
        (gram(features_of) - reference).norm() / reference.norm()
        for gram in (painters_gram, as_it_was)
    )
    print(f"{name}: {yours:.0%} of its size away; before the repair {buggy:.0%}")

# %% [markdown]
# ## Two styles at once
#
# You could add two style losses, with weights $w_1 + w_2 = 1$. There is a shorter way. For squared distances
#
# $$w_1 (G - A_1)^2 + w_2 (G - A_2)^2 = \bigl(G - (w_1 A_1 + w_2 A_2)\bigr)^2 + \text{a constant}.$$
#
# The constant does not depend on the picture, so the gradient is the same: **one** loss, to the weighted mean of the Gram matrices.

# %% [markdown] notes="1" minutes=9
# Show the algebra with two numbers instead of matrices. The exercise is two lines.

# %% [markdown] exercise="14.4" title="The mixed target" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.fun:mean_gram"
# Return the weighted mean of the styles' Gram matrices, for one layer. The weights may have any sum; they count as shares.


# %% exercise="14.4"
def mixed_target(styles, weights):
    """The target Gram matrix for several styles.

    styles: a list of features (C, h, w) of one layer, of different sizes; weights: a list of numbers
    returns: (C, C)
    """
    ### BEGIN SOLUTION
    target = 0
    for style, weight in zip(styles, weights, strict=True):
        flat = style.flatten(1)
        target = target + weight / sum(weights) * (flat @ flat.T / flat.shape[1])
    return target
    ### END SOLUTION


check("14.4", mixed_target)

# %% [markdown] fold="Hint"
# For each style its Gram matrix, divided by its positions, times `weight / sum(weights)`. Add up.

# %% uses="14.4"
# the proof in numbers: the gradients of both ways at the photo, layer relu3_1
a, b = (
    layer_outputs(vgg, style_image(n, 128), ["relu3_1"])["relu3_1"][0] for n in ("glass", "waves")
)
pixels = view.clone().requires_grad_()
gram = gram_matrix(forward_to(vgg, pixels, ["relu3_1"])["relu3_1"])[0]
both = 0.3 * (gram - gram_matrix(a[None])[0]).square().mean()
both = both + 0.7 * (gram - gram_matrix(b[None])[0]).square().mean()
mean = (gram - mixed_target([a, b], [0.3, 0.7])).square().mean()
(g1,) = torch.autograd.grad(both, pixels, retain_graph=True)
(g2,) = torch.autograd.grad(mean, pixels)
print(
    f"losses {both.item():.0f} and {mean.item():.0f}; gradients differ by {(g1 - g2).norm() / g1.norm():.0e}"
)

# %%
# glass, waves, and half and half, all with style_weight 10 (about 6 seconds)
two = styles[:2]
mix = style_transfer(vgg, view, two, style_weights=[1, 1], style_weight=10, steps=20)
show_images(
    [paintings_10[0][0], mix[0], paintings_10[1][0]],
    ["glass", "half and half", "waves"],
    columns=3,
    width=9,
)

# %%
# what has the mixed Gram matrices? And how large are those of each style?
of_mix = gram_objective(vgg, two)
side_by_side = torch.cat(two, 3)
overlaid = (two[0] + two[1]) / 2
for name, picture in (
    ("glass left, waves right", side_by_side),
    ("glass and waves overlaid", overlaid),
    ("glass alone", two[0]),
    ("the photo", view),
):
    print(f"{name}: style loss {of_mix(vgg, picture).item() / 1e6:.2f} million")
for layer in ("relu3_1", "relu4_1"):
    sizes = [gram_matrix(layer_outputs(vgg, one, [layer])[layer]).norm().item() for one in two]
    print(
        f"{layer}: the matrix of glass is {sizes[0] / sizes[1]:.1f} times as large as that of waves"
    )

# %% [markdown]
# A Gram matrix is a mean over positions. So a picture that is glass in one half and waves in the other has the mean of both matrices, but for the seam. Glass laid over waves has not. The search found the same way out: in its picture some places are glass and others waves. It is no third style between the two.
#
# "Half and half" is said of the matrices. Those of the glass hold larger numbers, so most of what stands in the mean comes from the glass.
#
# ## Keep the photo's colors
#
# Two ways. **Before:** give the style picture the photo's colors, by a linear map of RGB after which mean and covariance agree (`preserve_color="match"`). **After:** take only the
# brightness $Y$ from the painting, and the colors from the photo (`preserve_color="luminance"`, and `-original_colors` of Johnson's program). Gatys et al. (*Preserving Color*, 2016) propose the first one, too; their second way runs the whole transfer on the
# brightness. For the brightness,
#
# $$Y = 0.299\,R + 0.587\,G + 0.114\,B,$$
#
# and the colors are $R - Y$ and $B - Y$. They stay the same if you add the same number to R, G and B.

# %% [markdown] notes="1" minutes=9
# Ask which of the two should keep its brightness. Draw $Y$ and the two colors as three sheets.

# %% [markdown] exercise="14.5" title="Brightness of one, colors of the other" points=2 difficulty=2 importance=3 minutes=8 own="course_utils.fun:keep_colors"
# Return a picture with the painting's $Y$ and the photo's colors. Cut its values off at 0 and 1.


# %% exercise="14.5"
def keep_colors(painted, photo):
    """The painting's brightness with the photo's colors.

    painted, photo: (1, 3, H, W)
    returns: (1, 3, H, W), from 0 to 1
    """
    ### BEGIN SOLUTION
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=photo.dtype).view(1, 3, 1, 1)
    difference = ((painted - photo) * weights).sum(dim=1, keepdim=True)
    return (photo + difference).clamp(0, 1)
    ### END SOLUTION


check("14.5", keep_colors)

# %% [markdown] fold="Hint"
# $Y$ is linear, so the difference of the two brightnesses is the brightness of the difference. It has one channel; broadcasting adds it to all three.

# %% picture="14.5"
# no way, after (your function), and before: the same weight and steps (about 6 seconds)
matched = style_transfer(vgg, view, night, style_weight=100, steps=20, preserve_color="match")
recolored = match_colors(night, view)
after = keep_colors(row[1], view)
show_images(
    [view[0], row[1][0], after[0], matched[0], recolored[0]],
    ["photo", "its colors not kept", "after: luminance", "before: match", "its style, recolored"],
    columns=5,
    width=9,
)

# %% [markdown]
# Cutting off at 0 and 1 changes $Y$ again, in each pixel where the photo's colors and the painting's $Y$ do not fit together between 0 and 1.

# %% [markdown] fold="Think: when do the two ways differ most?"
# When the style's strokes differ in color and not in brightness, such as red on green of the same $Y$. Luminance cannot show them. Matching keeps them, in the photo's colors.

# %% [markdown]
# ## Style and dream
#
# Losses can be added. Here another one lets a deep layer with the activation $a$ dream (lesson 12) while the picture is painted: $-\delta \cdot \frac12 \operatorname{mean}(a^2)$. Its weight $\delta$ is
# called `dream_weight`.

# %% [markdown] notes="1" minutes=4
# Ask from which lesson the third term comes. A small weight first.

# %%
# in the style of "dots", without a dream and dreaming of relu5_2 (about 12 seconds)
dreaming = [
    style_transfer(
        vgg,
        view,
        styles[2],
        style_weight=10,
        steps=20,
        dream_layer="relu5_2",
        dream_weight=weight,
    )
    for weight in (100, 1000)
]
show_images(
    [paintings_10[2][0], *[d[0] for d in dreaming]],
    ["dream_weight 0", "dream_weight 100", "dream_weight 1000"],
    columns=3,
    width=9,
)

# %% [markdown]
# With the weight 100 the painting is nearly the one without a dream. With 1000 a thing grows that neither the photo nor the style holds. (What grows may differ from machine to machine.)

# %% claim="the painting with dream_weight 100 is nearer to the one without a dream than the one with 1000 is"
moved_by = [(p - paintings_10[2]).square().mean().sqrt().item() for p in dreaming]
assert moved_by[0] < 0.5 * moved_by[1]

# %% [markdown]
# ## Explore
#
# Press Start, and turn the weights while it paints: it goes on from the picture that is there.
#
# - Raise the style weight until the temple is gone. Then lower it again: does the temple come back?
# - Style size 64 against 256: the strokes follow.

# %%
# paint, and turn the weights meanwhile
explorers.StyleTransfer(vgg)

# %% [markdown] fold="Think: does the temple come back?"
# Yes, nearly. You saw it in "Many styles": the last of the four pictures started where no content loss had been, and both of its losses ended near those of `style_weight` 1 from the photo. The content loss holds the photo's features all the time, whatever the picture looks like.

# %% [markdown]
# ## What this picture does not show
#
# What is "style" here? **Predict first:** we cut the night into squares and shuffle them: 4 large ones, then smaller and smaller. The composition is gone at once: hills in the sky, half a tree anywhere. How far is the shuffled night from the
# night, in Gram matrices? As far as another style?

# %% [markdown] notes="1" minutes=9
# Votes before the cell: at which size of the squares is it another style? Then ask what an art historian would miss.


# %%
# the night in shuffled squares; the distance is the root of the style loss, and 100% is that of the photo
def shuffle(picture, side):
    """The squares of a picture, each `side` pixels wide, in random order."""
    count = picture.shape[2] // side
    squares = picture.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)
    order = torch.randperm(count**2, generator=torch.Generator().manual_seed(1))
    squares = squares[:, :, order].unflatten(2, (count, count))
    return squares.permute(0, 1, 2, 4, 3, 5).reshape(picture.shape)


def grams(net, picture):
    """The Gram matrices of the five style layers."""
    seen = layer_outputs(net, picture, list(STYLE_LAYERS))
    return {layer: gram_matrix(maps)[0] for layer, maps in seen.items()}


def apart(one, other, layers=STYLE_LAYERS):
    """The root of the style loss between two pictures, from their Gram matrices."""
    losses = [(one[n] - other[n]).square().mean() / len(one[n]) ** 2 for n in layers]
    return sum(losses).sqrt().item()


of_night, of_view = grams(vgg, night), grams(vgg, view)
unit = apart(of_view, of_night)
cuts = {side: shuffle(night, side) for side in (80, 40, 20, 10, 5)}
of_cuts = {side: grams(vgg, picture) for side, picture in cuts.items()}
show_images(
    [night[0], *[p[0] for p in cuts.values()]],
    ["style", *[f"{side} px: {apart(g, of_night) / unit:.0%}" for side, g in of_cuts.items()]],
    columns=6,
    width=9,
)

# %%
# the same layer by layer, with the pixels that a position sees; and two distances to compare with
sees = {"relu1_1": 3, "relu2_1": 10, "relu3_1": 24, "relu4_1": 68, "relu5_1": 156}
by_layer = {
    layer: [
        apart(g, of_night, [layer]) / apart(of_view, of_night, [layer]) for g in of_cuts.values()
    ]
    for layer in STYLE_LAYERS
}
print("squares of pixels", *[f"{side:5}" for side in cuts])
for layer, far in by_layer.items():
    print(f"{layer} ({sees[layer]:3} px) ", *[f"{x:5.0%}" for x in far])
ink = apart(grams(vgg, style_image("ink", 160)), of_night) / unit
halves = apart(*[grams(vgg, half) for half in night.chunk(2, 3)]) / unit
print(f"ink {ink:.0%}, the photo 100%, the left half of the night from its right half {halves:.0%}")

# %% [markdown]
# Squares of 80 and of 40 pixels: the composition is gone, and the shuffled night is nearer to the night than the night's two halves are to each other. So a Gram matrix does not know the composition.
#
# Squares of 10 and 5 pixels: no stroke is whole, and the night is farther from itself than the photo is. Each cut is an edge that the night does not have, and the layers see it. `relu1_1`, which sees 3 pixels, minds least at every size. A Gram matrix forgets where **its layer's** patches are, not what is inside of a patch.
# If you shuffle the positions *after* the layer has looked, as in "In the head first", nothing changes.

# %% claim="large squares are nearer than the night's halves, small ones farther than the photo; relu1_1 minds least; shuffled features have the same matrix"
total = {side: apart(g, of_night) / unit for side, g in of_cuts.items()}
assert max(total[80], total[40]) < 0.9 * halves
assert min(total[10], total[5]) > 1.5
assert all(
    by_layer["relu1_1"][k] < 0.9 * min(far[k] for n, far in by_layer.items() if n != "relu1_1")
    for k in range(5)
)
looked = layer_outputs(vgg, night, ["relu4_1"])["relu4_1"]
moved = looked.flatten(2)[
    :, :, torch.randperm(looked[0, 0].numel(), generator=torch.Generator().manual_seed(0))
].view_as(looked)
assert (gram_matrix(moved)[0] - of_night["relu4_1"]).norm() < 1e-3 * of_night["relu4_1"].norm()
assert total[80] > 0.03  # the same squares, moved before the layer looks

# %%
# painted by the night, and by the night in squares of 40 and of 10 pixels (about 12 seconds)
by_cut = [style_transfer(vgg, view, cuts[k], style_weight=100, steps=20) for k in (40, 10)]
show_images(
    [row[1][0], *[p[0] for p in by_cut]],
    ["by the night", "by squares of 40 pixels", "by squares of 10 pixels"],
    columns=3,
    width=9,
)

# %% [markdown]
# By squares of 40 pixels the colors, the stars and the strokes have hardly changed. By squares of 10 pixels the sky is made of squares: the cuts are style, too. What an art historian calls style (what is shown, how it is arranged, what is left out) is not in these numbers. What lies inside of a patch is:
# colors, strokes, edges, a star.
#
# Does it need a network that has **learned** something? First without a painting. Two changes of the night: its strokes cut to squares of 5 pixels, in the right colors; or red and blue exchanged, with every stroke in place. Which one is farther from the night?
# We ask VGG-19, and the same network with random weights, at the size at which signals neither fade nor grow (`scale="he"`).

# %% claim="the painting by small squares has their Gram matrices, and the painting by the night has not"
of_paintings = [grams(vgg, p) for p in (by_cut[1], row[1])]
of_squares = [apart(g, of_cuts[10]) / apart(of_view, of_cuts[10]) for g in of_paintings]
assert of_squares[0] < 0.6 * of_squares[1]

# %%
# two changes of the night, seen by the trained network and by two random ones
untrained = randomized(vgg, scale="he")
others = {"random": untrained, "random again": randomized(vgg, scale="he", seed=1)}
times = {}
for name, net in ({"trained": vgg} | others).items():
    strokes, colors = (
        apart(grams(net, changed), grams(net, night)) for changed in (cuts[5], night.flip(1))
    )
    times[name] = strokes / colors
    print(f"{name}: the cut strokes are {times[name]:.1f} times as far as the exchanged colors")

# %% [markdown]
# To the trained network, cut strokes are several times as far as exchanged colors. To the random ones they are about as far. Their Gram matrices hold colors above all.

# %% claim="cut strokes against exchanged colors: several times as far for the trained network, not for two random ones"
assert times["trained"] > 3
assert max(times["random"], times["random again"]) < 2

# %%
# the same photo and style on VGG-19 with random weights (about 12 seconds)


def balance(net):
    """The style loss of the photo, in units of the content loss of the night in the photo's shape."""
    stretched = resize(night, tuple(view.shape[2:]))
    return gram_objective(net, [night])(net, view) / content_loss(net, view)(net, stretched)


fair = 100 * (balance(vgg) / balance(untrained)).item()
by_random = [
    style_transfer(untrained, view, night, style_weight=w, steps=20) for w in (fair, 10 * fair)
]
show_images(
    [row[1][0], *[p[0] for p in by_random]],
    ["trained", "random weights", "random weights, 10 x the weight"],
    columns=3,
    width=9,
)

# %%
# the style loss that is left, of the photo's: each painting measured by both networks
left_over = {}
for name, picture in zip(
    ("by trained", "by random", "by random, 10 x"), (row[1], *by_random), strict=True
):
    left_over[name] = [
        (apart(grams(net, picture), g) / apart(grams(net, view), g)) ** 2
        for net, g in ((vgg, of_night), (untrained, grams(untrained, night)))
    ]
    print(f"{name:16} {left_over[name][0]:7.1%} (trained) {left_over[name][1]:7.1%} (random)")

# %% [markdown]
# Each painting is good in the measure that it was made for; that proves nothing. Look crosswise. The painting by the trained network has also lost most of its style loss in the random network's measure. The paintings by the random network keep about half of theirs, or more, in the trained measure: the colors came, the strokes did not, and
# 10 times the weight does not bring them. So the trained matrices ask for what the random ones ask for, and for more.
#
# That is one architecture, one style and one photo. Ustyuzhaninov et al. (2017) made good textures with random filters of many sizes, and He, Wang and Hopcroft (2016) transfer styles with random weights. Look at their pictures before you call ours a law.

# %% claim="the trained painting is good in the random measure as well, the random ones are not good in the trained measure, with 10 times the weight neither"
assert left_over["by trained"][1] < 0.2
assert left_over["by random"][0] > 0.35
assert left_over["by random, 10 x"][0] > 0.35
assert max(left_over["by trained"][0], left_over["by random"][1]) < 0.1

# %% [markdown]
# Other limits, in one sentence each:
#
# - Content means the features of one layer: a face may lose its likeness while the loss stays small.
# - A low loss is not beauty: the two paintings from two noises above have nearly the same losses. Which one would you hang?
# - The result depends on size: at 800 pixels the same weights give strokes that are finer in the picture if the style picture keeps its pixels, since a layer still sees the same number of pixels.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("14")

# %% [markdown]
# ## Summary
#
# - Content loss: features of a deep layer. Style loss: Gram matrices of several layers, each divided by its own number of positions.
# - The ratio of the weights decides how much is painted; the size of the style picture decides how fine.
# - The search has no single end: what you get depends on the start, too.
# - Several styles: one loss to the weighted mean of their Gram matrices.
# - Colors can be kept before (mean and covariance) or after (brightness only).
# - "Style" here is what is inside of the patches that a layer sees. Where the patches are is not part of it.
#
# **Papers.** Gatys, Ecker, Bethge: *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016; *Texture Synthesis Using Convolutional Neural Networks*, NIPS 2015. Gatys et al.: *Preserving
# Color in Neural Artistic Style Transfer*, 2016; *Controlling Perceptual Factors in Neural Style Transfer*, CVPR 2017. Johnson: *neural-style*, 2015 (several styles). Random weights: Ustyuzhaninov, Brendel, Gatys, Bethge: *What Does It Take to Generate Natural Textures?*, ICLR 2017. He, Wang, Hopcroft: *A Powerful Generative Model Using Random Weights for the Deep Image
# Representation*, NIPS 2016.
