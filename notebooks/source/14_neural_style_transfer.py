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
# the result first: a photo, a style, and the photo in this style (about 9 seconds)
vgg = load_network("vgg19")
view, night = photo("china", 112, crop=False), style_image("night", 160)
painting = style_transfer(vgg, view, night, style_weight=100, steps=20)
show_images(
    [view[0], night[0], painting[0]],
    ["content, 112 pixels", "style, 160 pixels", "painting"],
    columns=3,
    width=9,
)

# %% [markdown]
# The temple is where it was, and the paint is the night's: its colors, its curved strokes. No brush, no rule about strokes, no training on paintings took place. The pixels of the photo were
# changed, step by step: some numbers inside VGG-19 were to come near the night's, others to stay near the photo's. (What kept the temple here? "Many styles" has the answer.)

# %% [markdown] notes="1" minutes=5
# Hold the three pictures next to each other and ask what was kept from each. Write the answers in two columns, "content" and "style". Keep the columns: the last section asks which of
# them the losses really know.

# %% [markdown]
# ## The idea
#
# Two lessons come together. In lesson 11 you found a picture with given **features**: deep features keep what is where and forget the exact pixels. In lesson 13 you found a picture with
# given **Gram matrices**: they keep what a texture is made of and forget where. Gatys, Ecker & Bethge (2016) ask one picture $x$ for both. With the third term, which Johnson's program *neural-style* (2015) added, and the scales of Gatys' PyTorch code:
#
# $$L(x) = \alpha\,\underbrace{\operatorname{mean}\bigl[(F_c(x) - F_c(\text{content}))^2\bigr]}_{\text{content loss}} \;+\; \beta\,\underbrace{\sum_{\ell} w_\ell
# \operatorname{mean}\bigl[(G_\ell(x) - G_\ell(\text{style}))^2\bigr]}_{\text{style loss}} \;+\; \gamma\,\frac{V(x)}{3HW} .$$
#
# - $F_c$: the features of one deep layer $c$, here `relu4_2`.
# - $F_\ell$: the features of layer $\ell$ as a table $C_\ell \times M_\ell$: a row for each of its $C_\ell$ channels, a column for each of its $M_\ell$ positions.
# - $G_\ell = \frac{1}{M_\ell} F_\ell F_\ell^{\mathsf T}$, a table $C_\ell \times C_\ell$: the Gram matrix; here of `relu1_1`, `relu2_1`, `relu3_1`, `relu4_1`, `relu5_1`.
# - $w_\ell$: how much each layer counts, here $1/C_\ell^2$. In the paper all five count alike, in a network that was rescaled first, so that each channel's mean activation is 1, and that pools by means.
# - $V$: the total variation of lesson 11, with the power 2, here divided by the $3HW$ values of a picture with $H \times W$ pixels. It keeps neighbors similar.
# - $\alpha, \beta, \gamma$: `content_weight`, `style_weight`, `tv_weight`. Only their ratios matter, for this network: our VGG-19 was trained on pixels from 0 to 255, so its losses count in millions; with smaller features the same weights ask for another picture. In the pictures of this lesson $\gamma = 0$, but for one in 14.2.
#
# Why Gram matrices? Li et al. (2017) show that their distance compares the two pictures' feature vectors as two *clouds of points*, wherever the points lie in the picture: the maximum mean discrepancy with the kernel $(a \cdot b)^2$.
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
# your loss at work: 40 steps with Adam from the photo, five layers (about 9 seconds)
style_weight = 1
layers = list(STYLE_LAYERS)
seen = layer_outputs(vgg, night, layers)
targets = [gram_matrix(seen[name])[0] for name in layers]
wanted = layer_outputs(vgg, view, ["relu4_2"])["relu4_2"]
weights = [1 / len(target) ** 2 for target in targets]
x = view.clone().requires_grad_()
optimizer = torch.optim.Adam([x], lr=0.03)
for _ in range(40):
    found = forward_to(vgg, x, [*layers, "relu4_2"])  # the layers' features, with their gradient
    loss = (found["relu4_2"] - wanted).square().mean()
    loss = loss + style_weight * style_loss([found[name][0] for name in layers], targets, weights)
    x.grad = torch.autograd.grad(loss, x)[0]  # only for the pixels, put where Adam looks for it
    optimizer.step()
    x.data.clamp_(0, 1)
show_images([view[0], x.detach()[0]], ["photo", "40 of your steps"], columns=2, width=7)

# %% [markdown]
# Rougher than the first picture, and no star: it has a hundredth of the `style_weight`, another optimizer, and one size. **Predict, then try:** what happens to the temple with `style_weight = 100`? In the first picture it stood with 100. ("Many styles" shows why.)

# %% [markdown] solution="14.1"
# A mean over the matrix, a sum over the layers. The division by the positions makes Gram matrices of pictures of different sizes comparable; exercise 13.6 shows what happens without it.


# %%
# five layers: what is each one's share of the style loss, and of its pull at the pixels?
def grams(net, picture):
    """The Gram matrices of the five style layers."""
    seen = layer_outputs(net, picture, list(STYLE_LAYERS))
    return {layer: gram_matrix(maps)[0] for layer, maps in seen.items()}


def shares(one, other):
    """Each layer's share of the style loss between two pictures."""
    losses = [(one[n] - other[n]).square().mean() / len(one[n]) ** 2 for n in STYLE_LAYERS]
    return [(loss / sum(losses)).item() for loss in losses]


def pull(picture, style):
    """Each layer's share of the pull: how long the gradient of its term is, of the five lengths' sum."""
    x = picture.clone().requires_grad_()
    terms = [gram_objective(vgg, [style], layers=[n])(vgg, x).sum() for n in STYLE_LAYERS]
    lengths = [torch.autograd.grad(term, x)[0].norm() for term in terms]
    return [(length / sum(lengths)).item() for length in lengths]


of_view, of_night = grams(vgg, view), grams(vgg, night)
print(" " * 18, *STYLE_LAYERS)
for name, picture in (("photo", view), ("painting", painting)):
    for what, parts in (
        ("loss", shares(grams(vgg, picture), of_night)),
        ("pull", pull(picture, night)),
    ):
        print(f"{name + ', ' + what:18}", *[f"{part:7.1%}" for part in parts])

# %% [markdown]
# The loss has five layers. For this photo and style, nearly all of it is the share of `relu4_1`, before painting and after. So is nearly all of the **pull**, the length of the gradient at the pixels, which is what paints. Keep this in mind where this lesson says "all five layers".

# %% claim="relu4_1 has more than four fifths of the loss and of the pull, at the photo and at the painting, for glass and waves as well; in a random network it has not"
for other in (night, style_image("glass", 160), style_image("waves", 160)):
    assert min(shares(of_view, grams(vgg, other))[3], pull(view, other)[3]) > 0.8
assert shares(grams(vgg, painting), of_night)[3] > 0.8 and pull(painting, night)[3] > 0.8
chance = randomized(vgg, scale="he", seed=0)
assert not shares(grams(chance, view), grams(chance, night))[3] > 0.5

# %% [markdown] exercise="14.2" title="Total variation" points=1 difficulty=1 importance=2 minutes=5 own="course_utils.gradients:tv_norm"
# $V$ is the sum of lesson 11 with the power 2. Write it once more, now in two lines: add up the squared differences of all neighbors, side by side and above each other, over all channels.


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
# your V at work: 40 steps of Adam on style loss + gamma * V / (3HW), without and with it (about 12 seconds)
to_night = gram_objective(vgg, [night])  # a function: the style loss of to_night(network, pictures)


def forty_steps(gamma):
    """From the photo: the picture, and what the style loss (times 100) and V / (3HW) pull at its pixels."""
    x = view.clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=0.03)
    for _ in range(40):
        terms = 100 * to_night(vgg, x).sum(), tv_loss(x) / x.numel()
        x.grad = torch.autograd.grad(terms[0] + gamma * terms[1], x)[0]
        optimizer.step()
        x.data.clamp_(0, 1)
    terms = 100 * to_night(vgg, x).sum(), tv_loss(x) / x.numel()
    return x.detach(), [torch.autograd.grad(term, x)[0].norm().item() for term in terms]


grainy, pulls = forty_steps(0)
print(f"lengths of the gradients: style {pulls[0]:.0e}, V {pulls[1]:.0e}")
gamma = 4 * pulls[0] / pulls[1]
smoother, _ = forty_steps(gamma)
shown = {"photo": view, "gamma = 0": grainy, f"gamma = {gamma:.0e}": smoother}
show_images(
    [p[0] for p in shown.values()],
    [
        f"{name}\nV / (3HW) = {float(tv_loss(p)) / p.numel():.3f}\nstyle loss {to_night(vgg, p).item() / 1e6:.4f} million"
        for name, p in shown.items()
    ],
    columns=3,
    width=9,
)

# %% [markdown]
# What moves the pixels is not the value of a term but its gradient, times its weight. At the end of the first run the style pulls about two hundred million times as strongly as $V/(3HW)$, so $\gamma = 1$ would change nothing. The right picture has four times the $\gamma$ at which the two pulls are equally long there: most of the grain is gone, the strokes stay, and the style loss is larger by less than a tenth (compare the titles). So the style loss hardly asked for the grain.

# %% claim="the style's gradient is some 1e8 times as long as that of V / (3HW); with four times this weight V falls to less than a third, and the style loss grows by less than a tenth"
assert 1e8 < pulls[0] / pulls[1] < 5e8
v_before, v_after = (float(tv_loss(p)) for p in (grainy, smoother))
assert v_after < v_before / 3
assert to_night(vgg, smoother).item() < 1.1 * to_night(vgg, grainy).item()

# %% [markdown]
# ## Many styles
#
# The course drew its own style pictures (`data/styles`, free to use). `style_transfer` (`course_utils/fun/style.py`) minimizes the loss with **L-BFGS**, which learns the curvature of
# the loss from its last gradients. In addition, the course scales the steps: a wave of frequency $f$ moves $1/\sqrt f$ as far (`smoothness=0.5`), so broad areas move first. It paints a picture of half the size first: `steps=20` means 20 steps at half the size, and then 20 at the full size. 20 are few; give it 100 at home.

# %% [markdown] notes="1" minutes=14
# The large painting first; ask what of the cat suffered most, and where. Start the next cell, and read the numbers above the paintings. For the four pictures collect predictions: stars, temple.

# %%
# another photo in another style, 320 pixels, painted beforehand with more steps (`paintings` reads it)
large = paintings("large")[0]
cat, woodcut = photo(large.content, 320, crop=False), style_image(large.style, large.style_size)
show_images([cat[0], woodcut[0]], ["content, 320 pixels", "style, 320 pixels"], columns=2, width=5)

# %%
# and the painting
show_images([large.picture], [f"{sum(large.steps)} steps at {len(large.steps)} sizes"], width=9)

# %%
# two styles with one weight (about 18 seconds)
styles = [style_image(name, 128) for name in ("glass", "waves")]
at_start = [gram_objective(vgg, [one])(vgg, view).item() / 1e6 for one in styles]
paintings_10 = [style_transfer(vgg, view, one, style_weight=10, steps=20) for one in styles]
show_images(
    [styles[0][0], paintings_10[0][0], styles[1][0], paintings_10[1][0]],
    [
        f"glass: {at_start[0]:.1f} million",
        "style_weight 10",
        f"waves: {at_start[1]:.1f} million",
        "style_weight 10",
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# Above each style stands the style loss of the photo, before any painting. With the same weight, little is left of the temple in the glass, and the waves leave it standing. The ninefold loss alone is not the reason: with a ninth of the weight the glass paints nearly the same picture (try `style_weight=1.1`).

# %% claim="with the same weight, the photo's style loss for glass is several times that for waves; with the balanced weight the picture is nearly the same, and the photo's features are lost in both more than with the waves"
assert at_start[0] > 8 * at_start[1]
fair = 10 * at_start[1] / at_start[0]
fair_glass = style_transfer(vgg, view, styles[0], style_weight=fair, steps=20)
of_photo = content_loss(vgg, view)
lost = [of_photo(vgg, p).item() for p in (paintings_10[0], fair_glass, paintings_10[1])]
assert 0.65 < lost[1] / lost[0] < 0.95 and lost[2] < 0.7 * lost[1]
changed = [
    (one - other).square().mean().item()
    for one, other in ((paintings_10[0], fair_glass), (fair_glass, view))
]
assert changed[0] < 0.2 * changed[1]

# %% [markdown]
# **Predict, run, explain.** Now one style with the weights 1 and 100, each from two starts: from the photo, and from noise.
# In which of the four pictures are there stars in the sky? In which does the temple stand? Write it down, then run the cell.

# %%
# less style and more style, from the photo and from noise; then no content loss at all, with two optimizers (about 45 seconds)
less = style_transfer(vgg, view, night, style_weight=1, steps=20)
from_noise = [
    style_transfer(vgg, view, night, style_weight=w, init="noise", steps=20) for w in (1, 100)
]
no_content, with_adam = (
    style_transfer(
        vgg, view, night, content_weight=0, style_weight=100, steps=20, optimizer=optimizer
    )
    for optimizer in ("lbfgs", "adam")
)
of_view_features, of_night_style = content_loss(vgg, view), gram_objective(vgg, [night])
kinds = ["1, photo", "100, photo", "1, noise", "100, noise"]
kinds += ["no content loss, photo", "no content loss, photo, Adam"]
all_six = [less, painting, *from_noise, no_content, with_adam]
left = [(of_view_features(vgg, p).item(), of_night_style(vgg, p).item()) for p in all_six]
show_images(
    [p[0] for p in all_six],
    [f"{k}\n{a / 1e6:.2f}, {b / 1e6:.3f}" for k, (a, b) in zip(kinds, left, strict=True)],
    columns=3,
    width=9,
)

# %% [markdown]
# Each title says `style_weight` and the start, and then what is left of the content loss and of the style loss, in millions.
#
# From the photo, the temple stands with both weights. The yellow lights come with 100 only, from either start. From noise, the weight 1 brings the temple. The weight 100 does not, in these steps: both pictures with 100 have a style loss of 0.03 to 0.04 million (the photo: 0.83), and one of them is without a temple.
#
# The fifth picture is the control: **no content loss at all**, from the photo. The temple stands there as well, and its content loss is about that of the second picture. So at 100 the content loss hardly counts, and what you saw first in this lesson owes its temple to the **start**.
#
# And to the **search**: the sixth picture differs from the fifth in one thing, Adam in place of L-BFGS (both here with their usual step length). The temple is a dark shape without its railings, although more of the style loss is left. So it is with 100 in your cell of 14.1, with Adam and the content loss. (The scaled steps are not the reason: L-BFGS with `smoothness=0` keeps the railings.) That the style loss is lower from noise shows that the pictures from the photo are not the best ones for this loss; whether more steps would bring them there, these numbers do not say. At 1 the content loss brings the temple even out of noise, though not as well as from the photo. The weight decides which pictures are good; start and search decide which of them you come near, at least in a few steps.
#
# No weight is the right one. The two losses ask for different things, and the weight says what you give up for what.

# %% claim="with the weight 1 the photo's features come from noise as well, with 100 they do not, at the same style loss; without any content loss they stay as with 100, from the photo; Adam loses the temple's fine lines, L-BFGS without scaled steps keeps them"
noise = torch.rand(view.shape, generator=torch.Generator().manual_seed(0))
night_content = of_view_features(vgg, resize(night, tuple(view.shape[2:]))).item()
four = [less, painting, *from_noise]
kept = [of_view_features(vgg, p).item() / night_content for p in four]
nothing = of_view_features(vgg, noise).item() / night_content
painted = [gram_objective(vgg, [night])(vgg, p).item() / 1e6 for p in four]
assert kept[2] < 0.4 * nothing and kept[0] < 0.8 * kept[2]
assert abs(left[4][0] / left[1][0] - 1) < 0.15 and left[4][0] < 0.85 * left[3][0]
assert not kept[3] < 0.8 * nothing
assert kept[1] < 0.85 * kept[3]
assert painted[3] < 1.3 * painted[1] and painted[1] < 0.1 * to_night(vgg, view).item() / 1e6
bright = torch.corrcoef(torch.stack([p.mean(1).flatten() for p in (view, *four)]))[0, 1:]
assert min(bright[0], bright[1]) > 0.8 and bright[2] > 0.3 and abs(bright[3]) < 0.25
lights = [(p[0, :2].mean(0) - p[0, 2])[:36, 52:96].gt(0.06).sum().item() for p in four]
assert min(lights[1], lights[3]) > 10 * max(lights[0], lights[2], 1)
options = {"content_weight": 0, "style_weight": 100, "steps": 20}
unscaled = style_transfer(vgg, view, night, smoothness=0, **options)
yours_at_100 = view.clone().requires_grad_()
adam = torch.optim.Adam([yours_at_100], lr=0.03)
for _turn in range(40):
    both_losses = of_view_features(vgg, yours_at_100) + 100 * of_night_style(vgg, yours_at_100)
    yours_at_100.grad = torch.autograd.grad(both_losses.sum(), yours_at_100)[0]
    adam.step()
    yours_at_100.data.clamp_(0, 1)


def temple_lines(p):
    """Correlation with the photo, at the temple, of what a blur takes away."""
    gray = torch.stack([q.detach()[0].mean(0) for q in (view, p)])
    blur = torch.nn.functional.avg_pool2d(gray[None], 5, 1, 2, count_include_pad=False)[0]
    return torch.corrcoef((gray - blur)[:, 5:65, 12:62].flatten(1))[0, 1].item()


lines_of = [temple_lines(p) for p in (no_content, unscaled, with_adam, x, yours_at_100)]
assert min(lines_of[:2]) > 1.15 * lines_of[2] and not lines_of[2] > 0.7
assert lines_of[3] > 1.25 * lines_of[4] and temple_lines(painting) > 1.25 * lines_of[4]
assert left[5][1] > 1.1 * left[4][1]
assert 0.7 < to_night(vgg, grainy).item() / left[4][1] < 1.1

# %% [markdown]
# ## The start and the layers
#
# Three choices are left: where the search starts, whose Gram matrices are the style, and whose features are the content. Gatys, Ecker & Bethge compare layers and starts, too. Here is one portrait in one style. So that a weight means
# the same with every set of layers, losses have units here: a content loss of 1 is that of the style picture (resized to the photo), a style loss of 1 is that of the photo. The style always weighs 10 times as much as the content. In brackets: by how much the sum fell in the last 40 of the 80 steps at the full size.
#
# **Predict:** what will `relu1_1` alone call style? Will the portrait come out of noise?

# %% [markdown] notes="1" minutes=8
# Cover the right half of the figure, and let the class name what is missing from `relu1_1`. Then the lower row: why may the face be blue, when the sum is the lower one?

# %%
# the start (rows) and the layers of the style (columns); painted beforehand, 80 steps at each of two sizes
stored = paintings("layers")
portrait, waves = photo("astronaut", 128), style_image("waves", 160)


def said(p, name):
    """By how much the sum fell at last, and what is left: content + 10 times style."""
    half, end = (a + p.weight * b for a, b in zip(p.content_loss, p.style_loss, strict=True))
    content = p.content_loss[-1]
    return f"{name} (fell {max(0, 1 - end / half):.0%})\n{content:.3f} + {end - content:.3f} = {end:.3f}"


deep = [p for p in stored if p.content_layer == "relu4_2" and p.seed == 0]
words = {1: "relu1_1 only", 3: "up to relu3_1", 5: "all five"}
recolored_portrait = match_colors(portrait, waves).clamp(0, 1)
recoloring = {}
for up_to, name in words.items():
    loss = gram_objective(vgg, [waves], layers=STYLE_LAYERS[:up_to])
    recoloring[up_to] = loss(vgg, recolored_portrait).item() / loss(vgg, portrait).item()
    print(f"{name}: recoloring the photo leaves {recoloring[up_to]:.0%} of the style loss")
show_images(
    [portrait[0], *[p.picture for p in deep[:3]], waves[0], *[p.picture for p in deep[3:]]],
    [
        "photo, where row 1 starts",
        *[said(p, words[len(p.style_layers)]) for p in deep[:3]],
        "style; row 2 starts from noise",
        *[said(p, words[len(p.style_layers)]) for p in deep[3:]],
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# Above each picture stands what is left: content + 10 × style.
#
# Row 1: `relu1_1` alone calls mostly colors style. The cream and the blue of the waves are there, and few lines (look along the suit). The printed row is the control: the photo recolored by a linear map, without one new line, has lost two thirds of the loss of `relu1_1`, and little of the loss up to `relu3_1`. With `relu2_1` and `relu3_1` the lines come. With all five, more of the content is lost than with three, from both starts.
#
# Row 2: the same losses, from noise. The portrait does come out of the noise. But look at the face in the second picture: it is dark and blue, and in this run the sum of its losses is even lower than from the photo (where it still falls). So in this run `relu1_1` and `relu4_2` together hardly said where light and dark are. With three or five layers of style the face from noise is light.
# Gatys, Ecker & Bethge start from noise, from the photo and from the style, with five layers, and find that the start does not matter much. With `relu1_1` alone, or with little weight on the content as in the last section, it did here.

# %% claim="relu1_1 alone leaves the lines out; from noise it makes the face dark at a lower sum, and more layers make it light"
of_lines = gram_objective(vgg, [waves], layers=["relu3_1"])
lines = [of_lines(vgg, p.picture[None]).item() / of_lines(vgg, portrait).item() for p in deep[:2]]
assert lines[0] > 0.4 and lines[1] < 0.1
assert recoloring[1] < 0.37 and recoloring[3] > 0.75 and not recoloring[5] < 0.55
faces = [p.picture[:, 16:38, 48:68].mean().item() for p in deep]
assert faces[3] < 0.7 * min(*faces[:3], *faces[4:])
sums = [p.content_loss[-1] + p.weight * p.style_loss[-1] for p in deep]
assert sums[3] < 0.95 * sums[0]
assert all(deep[k + 1].content_loss[-1] > 1.2 * deep[k].content_loss[-1] for k in (1, 4))

# %%
# the layer of the content, and two starts from noise
shallow = next(p for p in stored if p.content_layer == "relu2_2")
seeds = [p for p in stored if p.start == "noise" and len(p.style_layers) == 5]
show_images(
    [deep[2].picture, shallow.picture, *[p.picture for p in seeds]],
    [
        said(deep[2], "relu4_2, photo"),
        said(shallow, "relu2_2, photo"),
        *[said(p, f"relu4_2, noise {p.seed}") for p in seeds],
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# Compare with the photo in the last picture. With `relu2_2` as the content more of its small, sharp things stay: the red of the flag, the small badge, the square lights on the helmet. With `relu4_2` they are drawn anew or painted over. (Not everywhere: the face and the white shuttle stayed better with `relu4_2`. Less of the style loss is left, too. But both sums still fall, so that may be the steps and not the layer. Gatys et al. compare `conv2_2` with `conv4_2` and show the same.)
#
# The last two pictures differ in nothing but the noise they started from. After these steps, their sums are nearly equal, to each other and to that of the first picture. The lines run in other places. None of these three is the right picture, and none is at its end: the sums still fell by 9 to 15 %, more than they differ.

# %% claim="relu2_2 keeps more of the photo's pixels; three starts come to nearly the same sum, which still falls, with different pictures"
sums_of_three = [
    [a + p.weight * b for a, b in zip(p.content_loss, p.style_loss, strict=True)]
    for p in (deep[2], *seeds)
]
apart_by = [(p.picture - portrait[0]).square().mean().sqrt().item() for p in (shallow, deep[2])]
assert apart_by[0] < 0.9 * apart_by[1]
assert shallow.style_loss[-1] < deep[2].style_loss[-1]
ends = [end for _, end in sums_of_three]
assert max(ends) < 1.09 * min(ends)
assert all(0.085 < 1 - end / half < 0.155 for half, end in sums_of_three)
assert (seeds[0].picture - seeds[1].picture).square().mean().sqrt().item() > 0.1

# %% [markdown]
# ## How large are the strokes?
#
# A position of a layer sees a fixed number of pixels: one of `relu4_1` 68 × 68. If the style picture is small, each of its strokes has few pixels, and so it has in the painting.

# %% [markdown] notes="1" minutes=4
# Show the two style pictures first, and ask for the width of a line in the painting.

# %%
# the woodcut at 112 and at 224 pixels, and what is painted from each, all four at one scale (about 18 seconds)
woodcuts = [style_image("woodcut", side) for side in (112, 224)]
from_woodcuts = [style_transfer(vgg, view, one, style_weight=1, steps=20) for one in woodcuts]
pieces = [one[..., : view.shape[2], -view.shape[3] :] for one in woodcuts]
show_images(
    [p[0] for pair in zip(pieces, from_woodcuts, strict=True) for p in pair],
    [
        "the style at 112 pixels, a piece",
        "painted from it",
        "the style at 224 pixels, a piece",
        "painted from it",
    ],
    columns=2,
    width=9,
)

# %% [markdown]
# The same photo, style and weight: finer lines from the small woodcut, broad ones from the large one, in the sky and on the roofs.
#
# In pictures of up to 160 pixels all positions of `relu5_1` (156 × 156 pixels) and most of `relu4_1` see the empty border around the picture; in the woodcut of 224 pixels it is about nine tenths, and a half. Places near the border differ from the others for these layers: their matrices are not quite blind to places.


# %% claim="in the sky there are more edges of lines from the small woodcut; a larger weight does not bring as many"
def edges(p):
    """How often neighbors in the sky stand on two sides of their local mean."""
    gray = p.mean(1, keepdim=True)
    local = torch.nn.functional.avg_pool2d(gray, 15, 1, 7, count_include_pad=False)
    side = (gray > local)[0, 0, :36, 52:96]
    return sum((side.diff(dim=k) != 0).float().mean().item() for k in (0, 1))


fine, broad = (edges(p) for p in from_woodcuts)
assert fine > 1.2 * broad
heavy = style_transfer(vgg, view, woodcuts[1], style_weight=10, steps=20)
assert not edges(heavy) > 1.15 * broad
within = {fields: max(0, 160 - fields + 1) ** 2 / 160**2 for fields in (68, 156)}
assert within[68] < 0.4 and within[156] < 0.01  # of the large night, positions that see no border

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

# %% [markdown] fold="Expected numbers"
# The four quarters: 19 %, and 84 % before the repair. Another style: 80 %, and 80 %.
#
# The quarters are not at 0: each has a border of its own. "Another style" is a single picture, with which the bug cannot show; its distance gives the scale.

# %% [markdown]
# ## Two styles at once
#
# You could add two style losses, with weights $w_1 + w_2 = 1$. There is a shorter way. For squared distances
#
# $$w_1 (G - A_1)^2 + w_2 (G - A_2)^2 = \bigl(G - (w_1 A_1 + w_2 A_2)\bigr)^2 + w_1 w_2 (A_1 - A_2)^2 .$$
#
# The last term does not depend on the picture, so the gradient is the same: **one** loss, to the weighted mean of the Gram matrices.

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
# glass, waves, and one part of glass with three of waves, all with style_weight 10 (about 9 seconds)
two = styles[:2]
mix = style_transfer(vgg, view, two, style_weights=[1, 3], style_weight=10, steps=20)
show_images(
    [paintings_10[0][0], mix[0], paintings_10[1][0]],
    ["glass", "one part glass, three parts waves", "waves"],
    columns=3,
    width=9,
)

# %%
# which pictures have the mean of one part of glass and three of waves? And how large are the matrices of each style?
of_mix = gram_objective(vgg, two, shares=[0.25, 0.75])
side_by_side = torch.cat([two[0], *[two[1]] * 3], 3)
overlaid = (two[0] + 3 * two[1]) / 4
for name, picture in {
    "the photo": view,
    "glass alone": two[0],
    "waves alone": two[1],
    "a quarter glass laid over three quarters waves": overlaid,
    "one glass beside three waves": side_by_side,
    "the painting": mix,
}.items():
    print(f"{name}: style loss {of_mix(vgg, picture).item() / 1e6:.2f} million")
for layer in ("relu3_1", "relu4_1"):
    sizes = [gram_matrix(layer_outputs(vgg, one, [layer])[layer]).norm().item() for one in two]
    print(
        f"{layer}: the matrix of glass is {sizes[0] / sizes[1]:.1f} times as large as that of waves"
    )

# %% [markdown]
# A Gram matrix is a mean over positions. So one picture of glass beside three of waves has nearly the mean of both matrices. Glass laid over waves is no nearer than the waves alone. The painting has come near the mean in the way of one glass beside three waves: some of its places are glass, others waves.
#
# The shares are those of the matrices. The glass holds larger numbers, so in equal shares most of the mean is glass. This is why the waves have three parts here.

# %% claim="side by side has the mean, overlaid not, with the contrast of both neither; the painting is near it, some of its places are clearly glass and others clearly waves; of the overlay almost none are waves; the matrix of glass is larger"
for_mean = {"beside": side_by_side, "over": overlaid, "waves": two[1], "mix": mix}
for_mean["contrast"] = match_colors(overlaid, side_by_side).clamp(0, 1)
millions = {name: of_mix(vgg, p).item() / 1e6 for name, p in for_mean.items()}
assert millions["beside"] < 0.1 * millions["waves"] and millions["mix"] < 0.25 * millions["waves"]
assert min(millions["over"], millions["contrast"]) > 1.1 * millions["waves"]
assert sizes[0] > 2 * sizes[1]


def in_kind(found):
    """Gram matrices scaled to norm 1."""
    return found / found.flatten(1).norm(dim=1).view(-1, 1, 1)


def places_of(picture):
    """The shares of the squares of 32 pixels that are clearly nearer to glass, and to waves, for relu4_1."""
    maps = layer_outputs(vgg, picture, ["relu4_1"])["relu4_1"]
    squares = maps.unfold(2, 4, 1).unfold(3, 4, 1).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    near = [(in_kind(gram_matrix(squares)) * goal).sum((1, 2)) for goal in goals]
    return [(d > 0.2).float().mean().item() for d in (near[0] - near[1], near[1] - near[0])]


goals = [in_kind(gram_matrix(layer_outputs(vgg, p, ["relu4_1"])["relu4_1"])) for p in two]
found_in = places_of(mix)
assert found_in[0] > 0.2 and found_in[1] > 0.15
assert not places_of((two[0] + two[1]) / 2)[1] > 0.15

# %% [markdown]
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
# Ask which of the two should keep its brightness. Draw Y and the two colors as three sheets.

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
# no way, after (your function), and before: the same weight and steps (about 9 seconds)
matched = style_transfer(vgg, view, night, style_weight=100, steps=20, preserve_color="match")
recolored = match_colors(night, view)
after = keep_colors(painting, view)
show_images(
    [view[0], painting[0], after[0], matched[0], recolored[0]],
    ["photo", "its colors not kept", "after: luminance", "before: match", "its style, recolored"],
    columns=5,
    width=9,
)

# %% [markdown]
# The two ways keep different things. *After* keeps each pixel's color: the star in the sky is gray-white there. *Before* keeps only which colors there are and how often; where they go is up to the painting, so its star is cream in what was a pale sky.
#
# Cutting off at 0 and 1 changes $Y$ again, in each pixel where the photo's colors and the painting's $Y$ do not fit together between 0 and 1.

# %% [markdown] fold="Think: when do the two ways differ most?"
# For instance when the style's strokes differ in color and not in brightness, such as red on green of the same $Y$: the painting's $Y$ then holds little of them.

# %% [markdown]
# ## Explore
#
# Press Start, and turn the weights while it paints: it goes on from the picture that is there.
#
# - Raise the style weight, and lower the content weight: how far does the temple go? Then the other way: does it come back?
# - Style size 64 against 256: what happens to the strokes?
#
# Losses can be added. `style_transfer(vgg, view, night, dream_layer="relu5_2", dream_weight=1000)` lets a deep layer with the activation $a$ dream (lesson 12) while it paints: the loss gets the term $-\delta \cdot \frac12 \operatorname{mean}(a^2)$, and $\delta$ is `dream_weight`.

# %%
# paint, and turn the weights meanwhile
explorers.StyleTransfer(vgg)

# %% [markdown] fold="Think: does the temple come back?"
# It does, at a small style weight. We painted on from the glass of "Many styles" with the night's `style_weight` 1: what is left of the content loss after 20 steps at each size lies between that from the photo and that from noise. The content loss holds the photo's features all the time, whatever the picture looks like.

# %% claim="from the glass painting, the weight 1 brings the temple's features back: better than from noise, less well than from the photo"
back = style_transfer(vgg, view, night, init=paintings_10[0], style_weight=1, steps=20)
came_back = of_view_features(vgg, back).item()
assert came_back < 0.25 * of_view_features(vgg, paintings_10[0]).item()
assert 1.1 * left[0][0] < came_back < 0.9 * left[2][0]

# %% [markdown]
# ## What this picture does not show
#
# What is "style" here? **Predict first:** we cut the night into squares and shuffle them: 4 large ones, then smaller and smaller. The composition is gone at once: hills in the sky, half a tree anywhere. How far is the shuffled night from the
# night, in Gram matrices? As far as another style?

# %% [markdown] notes="1" minutes=9
# Votes before the cell: at which size of the squares is it another style? Then ask what an art historian would miss.


# %%
# the night in shuffled squares; the distance is the root of the style loss, and 100% is that of the photo
def shuffle(picture, side, seed=1):
    """The squares of a picture, each `side` pixels wide, in random order."""
    count = picture.shape[2] // side
    squares = picture.unfold(2, side, side).unfold(3, side, side).flatten(2, 3)
    order = torch.randperm(count**2, generator=torch.Generator().manual_seed(seed))
    squares = squares[:, :, order].unflatten(2, (count, count))
    return squares.permute(0, 1, 2, 4, 3, 5).reshape(picture.shape)


def apart(one, other, layers=STYLE_LAYERS):
    """The root of the style loss between two pictures, from their Gram matrices."""
    losses = [(one[n] - other[n]).square().mean() / len(one[n]) ** 2 for n in layers]
    return sum(losses).sqrt().item()


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
# layer by layer, with the pixels that a position sees; matrices scaled to norm 1, and 100% is again the photo's distance
def scaled_apart(one, other, layer):
    """The distance of two Gram matrices of one layer, each divided by its norm."""
    return (one[layer] / one[layer].norm() - other[layer] / other[layer].norm()).norm().item()


sees = {"relu1_1": 3, "relu2_1": 10, "relu3_1": 24, "relu4_1": 68, "relu5_1": 156}
by_layer = {
    layer: [
        scaled_apart(g, of_night, layer) / scaled_apart(of_view, of_night, layer)
        for g in of_cuts.values()
    ]
    for layer in STYLE_LAYERS
}
print("squares of pixels", *[f"{side:5}" for side in cuts])
for layer, far in by_layer.items():
    print(f"{layer} ({sees[layer]:3} px) ", *[f"{x:5.0%}" for x in far])
ink = apart(grams(vgg, style_image("ink", 160)), of_night) / unit
flipped = [apart(grams(vgg, night.flip(axis)), of_night) / unit for axis in (2, 3)]
print(
    f"the whole night upside down {flipped[0]:.0%}, left for right {flipped[1]:.0%}; ink {ink:.0%}"
)


def jolt(picture, side, seed=1):
    """Each square shows what stands up to 5 pixels away: seams, and nearly everything where it was."""
    dice, limit = torch.Generator().manual_seed(seed), picture.shape[2] - side
    done = picture.clone()
    for top in range(0, limit + 1, side):
        for left_edge in range(0, limit + 1, side):
            steps = torch.randint(-5, 6, (2,), generator=dice).tolist()
            y, x = (min(max(n + k, 0), limit) for n, k in zip((top, left_edge), steps, strict=True))
            to = (..., slice(top, top + side), slice(left_edge, left_edge + side))
            done[to] = picture[..., y : y + side, x : x + side]
    return done


jolted = {side: apart(grams(vgg, jolt(night, side)), of_night) / unit for side in cuts}
print("jolted by up to 5:", *[f"{side} px {far:.0%}" for side, far in jolted.items()])

# %% [markdown]
# Squares of 80 pixels: three of the four have moved, and this shuffled night is nearer to the night than the whole night in the mirror (about 30 %, without any seam). So they mind a mirror more than quarters that changed places. With squares of 40 pixels it is the other way round: these are smaller than the 68 pixels that `relu4_1` sees, and `relu4_1` is nearly the whole loss here.
#
# In this unit, in which the size of the matrices counts, the shuffled night passes between 40 and 20 pixels the distance of another style, the ink. But shuffling does two things: it cuts strokes at the seams, and it puts dark hill beside bright star. The line "jolted" has its seams at the same places, and light stays beside light: that costs less than half as much (in other draws, too), with squares of 20 and 10 pixels about a sixth. So most of the distance is not about cut strokes.
#
# `relu1_1`, which sees 3 pixels, minds least at every size, and down to 20 pixels each deeper layer minds more, in this unit: each layer's own distance between photo and night. (At 10 and 5 `relu5_1` no longer leads.) A Gram matrix forgets where **its layer's** patches are, not what is inside of a patch.
# If you shuffle the positions *after* the layer has looked, as in "In the head first", nothing changes.

# %% claim="squares of 80 are nearer than the mirrored nights; ink lies between 40 and 20; jolted squares cost less than half, a sixth with 20 and 10; a mirrored night is about 30 % away; deeper layers mind more, down to 20; shuffled features have the same matrix"
total = {side: apart(g, of_night) / unit for side, g in of_cuts.items()}
far_apart = [apart(grams(vgg, shuffle(night, 80, seed)), of_night) / unit for seed in range(10)]
assert sum(far < min(flipped) for far in far_apart) >= 7 and total[80] < 0.9 * min(flipped)
assert not total[40] < min(flipped)
for one_draw in range(3):
    near = {side: apart(grams(vgg, jolt(night, side, one_draw)), of_night) / unit for side in cuts}
    assert all(near[side] < 0.45 * total[side] for side in cuts)
    assert all(0.14 < near[side] / total[side] < 0.2 for side in (20, 10))
assert all(0.27 < far < 0.35 for far in flipped)
assert total[40] < 0.7 * ink and total[20] > 1.1 * ink
for k in range(3):
    minds = [far[k] for far in by_layer.values()]
    assert all(a < 0.95 * b for a, b in zip(minds[:-1], minds[1:], strict=True))
for k in range(5):
    assert by_layer["relu1_1"][k] < 0.8 * min(by_layer[n][k] for n in STYLE_LAYERS[1:])
assert not any(by_layer["relu5_1"][k] > 1.05 * by_layer["relu4_1"][k] for k in (3, 4))
looked = layer_outputs(vgg, night, ["relu4_1"])["relu4_1"]
order = torch.randperm(looked[0, 0].numel(), generator=torch.Generator().manual_seed(0))
moved = looked.flatten(2)[:, :, order].view_as(looked)
assert (gram_matrix(moved)[0] - of_night["relu4_1"]).norm() < 1e-3 * of_night["relu4_1"].norm()
assert total[80] > 0.03  # the same squares, moved before the layer looks

# %% [markdown]
# Does it need a network that has **learned** something? First without a painting. Two changes of the night: its strokes cut, in jolted squares of 5 pixels; or red and blue exchanged, with every stroke in place. Which one is farther from the night?
# We ask VGG-19, and the same network with random weights, at the size at which signals neither fade nor grow (`scale="he"`).

# %%
# how far, for one trained and two random networks; 1 is the photo's distance
changes = {
    "squares of 5, shuffled": cuts[5],
    "squares of 5, jolted": jolt(night, 5),
    "colors exchanged": night.flip(1),
}
untrained = [randomized(vgg, scale="he", seed=seed) for seed in (0, 1)]
which_net = ["trained", "random", "random again"]
how_far = []
for name, net in zip(which_net, (vgg, *untrained), strict=True):
    style, from_photo = grams(net, night), grams(net, view)
    print(f"{name + ': share of the loss':32}", *[f"{x:7.1%}" for x in shares(from_photo, style)])
    how_far.append({})
    for what, picture in changes.items():
        seen = grams(net, picture)
        row = [apart(seen, style, [n]) / apart(from_photo, style, [n]) for n in STYLE_LAYERS]
        how_far[-1][what] = row
        print(f"{what:>32}", *[f"{x:7.2f}" for x in row])

# %% [markdown]
# From left to right, `relu1_1` to `relu5_1`. Do not add the layers up: of the photo's style loss, `relu1_1` has nearly nothing in the trained network and most in the random ones. So a sum of all five would compare layers, not what was learned.
#
# Take one layer and compare "jolted" with "exchanged". In `relu4_1` cut strokes are farther than exchanged colors for the trained network, and not for the random ones. And up to there the trained network minds cut strokes more than they do in every layer, measured in exchanged colors. The line "shuffled" would have said something else: from `relu3_1` on it is farther than exchanged colors for all three. Those squares are not only cut, they have new neighbors.
#
# Now a painting. We paint with `relu4_1` of the random networks, with the weight at which the photo's style loss counts as much against a content loss as for the first painting.

# %% claim="in relu4_1 cut strokes are farther than exchanged colors for the trained network only, and up to there it minds them more than the random ones do; shuffled squares are farther from relu3_1 on for all three; relu1_1 has most of the loss only in the random ones"
for one_draw in range(3):
    in_colors = []
    for k in range(3):
        one_net = (vgg, *untrained)[k]
        goal, at_photo, was_cut = (
            grams(one_net, p) for p in (night, view, jolt(night, 5, one_draw))
        )
        in_colors.append(
            [
                apart(was_cut, goal, [n]) / apart(at_photo, goal, [n]) / in_color
                for n, in_color in zip(STYLE_LAYERS, how_far[k]["colors exchanged"], strict=True)
            ]
        )
    assert in_colors[0][3] > 1.15 and not max(in_colors[1][3], in_colors[2][3]) > 1
    assert all(in_colors[0][k] > 1.2 * max(in_colors[1][k], in_colors[2][k]) for k in range(4))
for rows_of_net in how_far:
    pairs = zip(
        *[rows_of_net[w] for w in ("squares of 5, shuffled", "colors exchanged")], strict=True
    )
    assert all(a > 1.5 * b for a, b in list(pairs)[2:])
of_first = [shares(grams(net, view), grams(net, night))[0] for net in (vgg, *untrained)]
assert of_first[0] < 0.02 and min(of_first[1:]) > 0.5

# %%
# the same photo and style, with relu4_1 of the trained network and of both random ones (about 16 seconds)
fourth = ["relu4_1"]


def balance(net, layers):
    """The style loss of the photo, in units of the content loss of the night in the photo's shape."""
    stretched = resize(night, tuple(view.shape[2:]))
    in_style = gram_objective(net, [night], layers=layers)(net, view).item()
    return in_style / content_loss(net, view)(net, stretched).item()


def paint(net):
    """The view in the night's style, by relu4_1 of a network."""
    weight = 100 * balance(vgg, STYLE_LAYERS) / balance(net, fourth)
    return style_transfer(net, view, night, style_layers=fourth, style_weight=weight, steps=20)


nets = [vgg, *untrained]
by_relu4_1 = [paint(net) for net in nets]
colors_only = match_colors(view, night).clamp(0, 1)  # the photo in the night's colors, no new line
all_four = [*by_relu4_1, colors_only]
left_over = []  # for each picture, measured by each network: the style loss of relu4_1, of the photo's
goals_of, starts_of = ([grams(net, p) for net in nets] for p in (night, view))
for p in all_four:
    seen_by = [grams(net, p) for net in nets]
    left_over.append(
        [
            (apart(g, goal, fourth) / apart(start, goal, fourth)) ** 2
            for g, goal, start in zip(seen_by, goals_of, starts_of, strict=True)
        ]
    )
kinds_of = [*(f"by {name}" for name in which_net), "only recolored"]
show_images(
    [p[0] for p in all_four],
    [
        f"{kind}\n" + " | ".join(f"{x:.1%}" for x in one)
        for kind, one in zip(kinds_of, left_over, strict=True)
    ],
    columns=4,
    width=9,
)

# %% [markdown]
# Below each name stands what is left of the style loss of `relu4_1`, measured by trained | random | random again. Each painting is good in the measure that it was made for; that proves nothing. Look crosswise, and at the control: the last picture has the night's colors, brightness and contrast, and not a single new line.
#
# In the random measures recoloring alone does as well as the trained painting in one, and half as well in the other. So a low number there says little about strokes. In the trained measure the random paintings keep no less than the recolored photo, the second one clearly more: what they have beyond recoloring is blotches, and the trained `relu4_1` does not take them for the night. It asks for more than recoloring. In the random measures recoloring alone leaves 4 % and 13 %: for them most of the way is color and contrast, and blotches do the rest. None of it needed strokes. What they would paint from noise was not tried.
#
# That is one architecture, one layer, one style and one photo. Ustyuzhaninov et al. (2017) made good textures with random filters of many sizes, and He, Wang and Hopcroft (2016) transfer styles with random weights. Look at their pictures before you call ours a law.

# %% claim="the trained painting is good in both random measures, the random ones are good in each other's and not in the trained measure; the recolored photo is as good as the trained painting in one random measure, half as good in the other, and in the trained one no worse than the random paintings"
assert max(left_over[0]) < 0.15
assert max(*left_over[1][1:], *left_over[2][1:]) < 0.15
assert min(left_over[1][0], left_over[2][0]) > 0.5
assert left_over[3][1] < 1.1 * left_over[0][1] and 1.5 < left_over[3][2] / left_over[0][2] < 2.8
assert left_over[1][0] > 0.95 * left_over[3][0] and left_over[2][0] > 1.15 * left_over[3][0]
assert not left_over[0][0] > 0.5 * left_over[3][0]
for k in (1, 2):
    assert left_over[3][k] > 5 * left_over[k][k]

# %% [markdown]
# Other limits, in one sentence each:
#
# - Content means the features of one layer: a face may lose its likeness while the loss stays small.
# - A low loss is not beauty: the grainy picture of 14.2 and the picture "no content loss, photo" of "Many styles" have about the same style loss, and neither had a content loss. Which one would you hang?
# - The result depends on size: in a larger picture strokes should be finer if the style picture keeps its pixels, since a layer still sees the same number of pixels (not tried here).

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
# - Content loss: features of a deep layer. Style loss: Gram matrices of several layers, each divided by its own number of positions. The layers do not count alike: see each one's share.
# - The ratio of the weights decides, within limits, how much is painted; the size of the style picture decides how fine.
# - What you get depends on the start, too: the more so, the less the content counts. In few steps it also depends on the optimizer.
# - Several styles: one loss to the weighted mean of their Gram matrices.
# - Colors can be kept before (mean and covariance) or after (brightness only).
# - "Style" here is what is inside of the patches that a layer sees. Where the patches are is hardly part of it.
#
# **Papers.** Gatys, Ecker, Bethge: *A Neural Algorithm of Artistic Style*, 2015. Gatys, Ecker, Bethge: *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016. Gatys, Ecker, Bethge: *Texture Synthesis Using Convolutional Neural Networks*, NeurIPS 2015. Gatys, Bethge, Hertzmann, Shechtman: *Preserving Color in Neural Artistic Style Transfer*, 2016. Johnson: *neural-style*, 2015 (several styles). Li, Wang, Liu, Hou: *Demystifying Neural Style Transfer*, IJCAI 2017 (other statistics in place of the Gram matrix). Random weights: Ustyuzhaninov, Brendel, Gatys, Bethge: *What Does It Take to Generate Natural Textures?*, ICLR 2017. He, Wang, Hopcroft: *A Powerful Generative Model Using Random Weights for the Deep Image Representation*, NeurIPS 2016.
