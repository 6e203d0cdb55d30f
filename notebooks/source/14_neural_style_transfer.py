# %% [markdown] lesson="14" title="Neural style transfer: one picture's content, another one's style" minutes=77 needs="11, 13"
# You will be able to: write the losses of style transfer and minimize them; balance content against style; mix styles, set the size of the strokes and keep a photo's
# colors; and say what a Gram matrix calls "style" and what it does not know.

# %% tags=["setup"]
import torch

from course_utils import check, explorers, layer_outputs, load_network, photo, quiz, show_images
from course_utils.fun import gram_matrix, match_colors, style_transfer
from course_utils.fun.style_losses import style_loss as gram_objective
from course_utils.hooks import forward_to
from course_utils.networks import randomized
from course_utils.stimuli import style_image

# %%
# the result first: a photo, a style, and the photo in this style (about 15 seconds)
vgg = load_network("vgg19")
temple = photo("china", 200, crop=False)
night = style_image("night", 160)
painting = style_transfer(vgg, temple, night, style_weight=100, steps=35)
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
# \operatorname{mean}\bigl[(G_\ell(x) - G_\ell(\text{style}))^2\bigr]}_{\text{style loss}} \;+\; \gamma\,\mathrm{TV}(x) .$$
#
# - $F$: the features of one deep layer, here `relu4_2`.
# - $G_\ell = \frac{1}{M_\ell} F_\ell F_\ell^{\mathsf T}$: the Gram matrix of layer $\ell$, for $M_\ell$ positions; here of `relu1_1`, `relu2_1`, ..., `relu5_1`.
# - $w_\ell$: how much each layer counts, here $1/C_\ell^2$ for $C_\ell$ channels.
# - $\mathrm{TV}$: the total variation of lesson 11, with the power 2. It keeps neighbors similar.
# - $\alpha, \beta, \gamma$: `content_weight`, `style_weight`, `tv_weight`. Only their ratios matter.
#
# Then gradient descent on the pixels of $x$.

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
    (x.grad,) = torch.autograd.grad(loss, x)
    optimizer.step()
    x.data.clamp_(0, 1)
show_images([small[0], x.detach()[0]], ["photo", "60 of your steps"], columns=2, width=7)

# %% [markdown] solution="14.1"
# A mean over the matrix, a sum over the layers. The division by the positions makes Gram matrices of pictures of different sizes comparable; exercise 13.6 shows what happens without it.

# %% [markdown] exercise="14.2" title="Total variation" points=1 difficulty=1 importance=2 minutes=5 own="course_utils.gradients:tv_norm"
# Neighboring pixels of a photo are similar, those of noise are not. Add up the squared differences of all neighbors, side by side and above each other, over all channels.


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

# %% uses="14.2"
# the photo, the painting, and noise
noise = torch.rand(temple.shape, generator=torch.Generator().manual_seed(0))
for name, picture in (("photo", temple), ("painting", painting), ("noise", noise)):
    print(f"{name}: {float(tv_loss(picture)):.0f}")

# %% [markdown] own="course_utils.fun:style_transfer"
# ## Many styles
#
# The course drew its own style pictures (`data/styles`, free to use). Here is the same photo with four of them. `style_transfer` minimizes the loss with **L-BFGS**, which learns the curvature of
# the loss from its last gradients, and it paints a picture of half the size first. 25 steps are few; give it 100 at home.

# %% [markdown] notes="1" minutes=8
# Start the cell first. For the three weights collect predictions: colors, stars, roofs.

# %%
# four styles (about 20 seconds)
view = photo("china", 128, crop=False)
names = ["glass", "waves", "mosaic", "woodcut"]
styles = [style_image(name, 128) for name in names]
paintings = [style_transfer(vgg, view, style, style_weight=10, steps=25) for style in styles]
titles = [*names, *["painting"] * 4]
show_images([picture[0] for picture in styles + paintings], titles, columns=4, width=9)

# %% [markdown]
# The weights are the same for all four, and still they do not leave the same amount of temple: the size of the style loss is not the same for every style.
#
# **Predict, run, explain.** Now one style with three weights: 0.1, 1 and 100. At which weight do the colors change, at which do stars appear in the sky, at which do the roofs get lost? Write it
# down, then run the cell.

# %%
# less style, more style (about 10 seconds)
strengths = [0.1, 1, 100]
row = [style_transfer(vgg, view, night, style_weight=w, steps=25) for w in strengths]
show_images([p[0] for p in row], [f"style_weight {w}" for w in strengths], columns=3, width=9)

# %% [markdown]
# At 1 the colors have changed and strokes appear, at 100 there are stars and whirls. The roofs are there at all three weights. Where do they get lost? Try 10 000.
#
# No weight is the right one. The two losses ask for different things, and the weight says what you give up for what.
#
# ## How large are the strokes?
#
# A layer sees a fixed number of pixels: one position of `relu3_1` sees 24 × 24. If the style picture is small, each of its strokes has few pixels, and so it has in the painting.

# %% [markdown] notes="1" minutes=4
# Show the two style pictures first: where is the large whirl in the small one? Ask what happens to the strokes.

# %%
# the night at 64 and at 256 pixels, and what is painted from each
sizes = [64, 256]
nights = [style_image("night", size) for size in sizes]
paintings = [style_transfer(vgg, view, one, style_weight=100, steps=30) for one in nights]
canvas = torch.ones(1, 3, 256, 256)
canvas[:, :, :64, :64] = nights[0]
show_images(
    [canvas[0], paintings[0][0], nights[1][0], paintings[1][0]],
    ["the style, 64 pixels", "painted from it", "the style, 256 pixels", "painted from it"],
    columns=2,
    width=7.5,
)

# %% [markdown]
# The two style pictures show the same thing, drawn here at one scale. From the small one the sky gets many small stars and short strokes, from the large one a single large whirl and long strokes.

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
for name, features_of in (("its four quarters", of_quarters), ("another style", of_other)):
    apart = (painters_gram(features_of) - reference).norm() / reference.norm()
    print(f"{name}: {apart:.0%} of its size away")

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
# glass and waves, half and half (about 6 seconds)
mix = style_transfer(
    vgg,
    view,
    [style_image("glass", 128), style_image("waves", 128)],
    style_weights=[1, 1],
    steps=25,
)
show_images([view[0], mix[0]], ["photo", "glass and waves"], columns=2, width=7.5)

# %% [markdown]
# "Half and half" is said of the Gram matrices. It need not be half of the picture: a style whose matrices hold larger numbers weighs more.
#
# ## Keep the photo's colors
#
# Two ways. **Before:** give the style picture the photo's colors, by a linear map of RGB after which mean and covariance agree (`preserve_color="match"`). **After:** take only the
# brightness $Y$ from the painting, and the colors from the photo (`preserve_color="luminance"`). For the second one,
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
# the night again: its own colors, and the photo's
show_images(
    [painting[0], keep_colors(painting, temple)[0]],
    ["the style's colors", "the photo's colors"],
    columns=2,
    width=9,
)

# %%
# the other way: recolor the style first (about 6 seconds)
recolored = match_colors(night, view)
matched = style_transfer(vgg, view, night, steps=25, preserve_color="match")
show_images(
    [night[0], recolored[0], matched[0]],
    ["style", "recolored style", "painting"],
    columns=3,
    width=9,
)

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
# painting in the style of "dots" and dreaming of relu5_2 at once (about 15 seconds)
strengths = [100, 1000]
dreaming = [
    style_transfer(
        vgg,
        view,
        style_image("dots", 128),
        style_weight=10,
        steps=30,
        dream_layer="relu5_2",
        dream_weight=weight,
    )
    for weight in strengths
]
names = ["style", *[f"dream_weight {weight}" for weight in strengths]]
show_images([style_image("dots", 128)[0], *[d[0] for d in dreaming]], names, columns=3, width=9)

# %% [markdown]
# With the small weight it is a painting. With the large one a thing grows that neither the photo nor the style holds. (What grows may differ from machine to machine.) With a still larger weight nothing but the dream
# is left.

# %% [markdown]
# ## Explore
#
# Press Start, and turn the weights while it paints: it goes on from the picture that is there.
#
# - Raise the style weight until the temple is gone. Then lower it again: does the temple come back?
# - Style size 64 against 256: the strokes follow.
# - Stop early, late, at the end. When do the colors come, and when the strokes?

# %%
# paint, and turn the weights meanwhile
explorers.StyleTransfer(vgg)

# %% [markdown]
# ## What this picture does not show
#
# What is "style" here? **Predict first:** we cut the night into 16 squares and shuffle them. Its composition is gone: hills in the sky, half a tree anywhere. Will the painting
# change (a) completely, (b) hardly?

# %% [markdown] notes="1" minutes=6
# Votes before the cell: shuffled style, completely or hardly? Then ask what an art historian would miss.

# %%
# a shuffled style
order = torch.randperm(16, generator=torch.Generator().manual_seed(1))
blocks = night.unfold(2, 40, 40).unfold(3, 40, 40).reshape(1, 3, 16, 40, 40)[:, :, order]
shuffled = blocks.reshape(1, 3, 4, 4, 40, 40).permute(0, 1, 2, 4, 3, 5).reshape(1, 3, 160, 160)
of_shuffled = style_transfer(vgg, view, shuffled, style_weight=100, steps=25)
show_images(
    [night[0], shuffled[0], row[2][0], of_shuffled[0]],
    ["style", "shuffled", "by the style", "by the shuffled"],
    columns=4,
    width=9,
)

# %%
# how far are style and shuffled style from each other, measured from the photo?
distance = gram_objective(vgg, [night])
far, near = (distance(vgg, p).item() for p in (view, shuffled))
print(f"the photo is {far / near:.0f} times as far from the style as the shuffled style is")

# %% [markdown]
# The answer is (b), nearly. Measured by Gram matrices, the shuffled night is much nearer to the night than the photo is, though not the same: cuts between the squares are new edges. What an art historian calls style (what is shown, how it is arranged, what is left out) is not in it. It
# knows paint: colors, strokes, small patterns.

# %% claim="the photo is several times as far from the night as the shuffled night is; another style is as far"
assert far > 3 * near
assert distance(vgg, style_image("ink", 160)).item() > 3 * near

# %% [markdown]
# Does it need a network that has **learned** something? Random weights, in a fair test: at the size at which signals neither fade nor grow (`scale="he"`), with the same number of steps, and with a style weight for which the style loss of the photo, in units of its deep features' mean square, weighs as much as in the trained network.

# %%
# the same photo and style on VGG-19 with random weights
untrained = randomized(vgg, scale="he")


def balance(net):
    """The style loss of the photo, in units of its own deep features."""
    return (
        gram_objective(net, [night])(net, view)
        / forward_to(net, view, ["relu4_2"])["relu4_2"].square().mean()
    )


fair_weight = 100 * (balance(vgg) / balance(untrained)).item()
by_untrained = style_transfer(untrained, view, night, style_weight=fair_weight, steps=25)
show_images(
    [view[0], night[0], row[2][0], by_untrained[0]],
    ["photo", "style", "trained", "random weights"],
    columns=4,
    width=9,
)

# %% [markdown]
# Under its own measure the random network did *more* than the trained one: less of its style loss is left. But the sky has the night's colors in blotches, and neither strokes nor whirls. So here the Gram matrices of random features hold colors and contrasts and not the strokes. That is one network, one style and one draw
# of weights. (He, Wang and Hopcroft, 2016, transfer styles with random weights, too. Look at their pictures before you call ours a law.)

# %% claim="the random network leaves less of its own style loss, and its painting is much farther from the night in trained features"
of_random = gram_objective(untrained, [night])
left_random = of_random(untrained, by_untrained).item() / of_random(untrained, view).item()
left_trained = distance(vgg, row[2]).item() / far
assert left_random < left_trained
assert distance(vgg, by_untrained).item() > 3 * distance(vgg, row[2]).item()

# %% [markdown]
# Other limits, in one sentence each:
#
# - Content means the features of one layer: a face may lose its likeness while the loss stays small.
# - A low loss is not beauty: paintings with the same loss differ.
# - The result depends on size: at 800 pixels the same weights give finer strokes, since a layer still sees the same number of pixels.

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
# - Several styles: one loss to the weighted mean of their Gram matrices.
# - Colors can be kept before (mean and covariance) or after (brightness only).
# - "Style" here is the statistics of small patterns: composition is not part of it.
#
# **Papers.** Gatys, Ecker, Bethge: *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016; *Texture Synthesis Using Convolutional Neural Networks*, NIPS 2015. Gatys et al.: *Preserving
# Color in Neural Artistic Style Transfer*, 2016; *Controlling Perceptual Factors in Neural Style Transfer*, CVPR 2017. Johnson: *neural-style*, 2015 (several styles).
