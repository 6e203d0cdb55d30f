# %% [markdown] lesson="04" title="The space of features: PCA, t-SNE, and a map of pictures" minutes=115 needs="03"
# You will be able to: find the main directions of a cloud of points by the SVD, and say what they are; write t-SNE yourself and compare it with scikit-learn's; draw
# pictures on a plane and on a grid; and test which properties of such a map mean something.

# %% tags=["setup"]
import math

import torch
from IPython.display import display
from scipy.optimize import linear_sum_assignment
from scipy.spatial import procrustes
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE

from course_utils import activations, check, explorers, load_network, quiz, show_images
from course_utils.activations import (
    grid_cells,
    kl_divergence,
    l2_distances,
    label_agreement,
    nearest,
    pca,
    plain_tsne,
    tsne,
    vectors,
)
from course_utils.figures import show_grid, show_map, show_points, show_scree
from course_utils.images import resize
from course_utils.plots import new_figure
from course_utils.stimuli import crop_set

# %%
# the result first: 222 pictures of 37 things, laid out by the features of a network; the map got no names
net = load_network("efficientnet_lite0")
crops = crop_set(size=128)
features = vectors(net, crops.images)
flat = tsne(features, perplexity=8)
show_grid(crops.images, grid_cells(flat, columns=18), side=40, width=9)

# %% [markdown]
# Each photo is there six times: whole, moved left, moved right, mirrored, cropped, and with false colors. (Seven things are gray; their sixth picture is the first one again.) The copies were given to the program in one heap. On its map, here laid out on a grid, the copies of a thing lie together. Do you also see regions?
# Where are the animals, the vehicles, the textures? Write down one region that you would believe in. At the end of the lesson you will know how far one may.

# %% claim="on the map, the copies of a thing lie together"
assert label_agreement(flat, crops.objects) > 0.9
assert not label_agreement(flat, crops.objects.roll(3)) > 0.9  # other labels: shifted
six_each = crops.images.view(37, 6, -1)
assert ((six_each[:, 0] - six_each[:, 5]).abs().amax(1) < 0.01).sum() == 7
assert not ((six_each[:, 0] - six_each[:, 4]).abs().amax(1) < 0.01).any()

# %% [markdown] notes="1" minutes=5
# Let people find regions before you explain anything. Then ask: if the picture lies 5 cells further, is it less alike? Keep the answers for the end.

# %% [markdown]
# ## The idea
#
# A picture is a point in a space of 1280 features. You cannot see 1280 dimensions, so you need a **map**: two numbers for each point. Two ways, with different promises:
#
# - **PCA** looks along the directions in which the cloud is widest. It is a projection, a shadow of the cloud: linear, always the same (but for signs), and distances on the map are never larger than the true ones.
# - **t-SNE** moves points on the plane until each has its true neighbors around it, as well as it can. It promises nothing about the rest: the scale, the axes, the distances between groups.

# %% [markdown] notes="1" minutes=3
# Two promises on the board: a shadow (PCA), and neighbors (t-SNE). Ask which one you would use to measure a distance.

# %% [markdown]
# ## PCA
#
# Write the points as rows of a table $X$ with $N$ rows, and take the mean row away. The singular value decomposition splits the table into
#
# $$X - \bar x = U\,S\,V^T .$$
#
# The rows of $V^T$ are directions at right angles to each other. The first is the one along which the points vary most, and so on; $S$ is diagonal, and $S_k^2/(N-1)$ is the variance along direction $k$. The coordinates of the points
# along the first $k$ directions are the first $k$ columns of $(X - \bar x)V$.
#
# **In the head first.** Three points: $(0,0)$, $(3,4)$, $(6,8)$. What is the mean? Along which direction do they vary, and what are their coordinates along it? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=18
# The three points on paper first. Type the SVD without subtracting the mean, and look at what `check` says. Let the
# room name the first direction of the pixels and of the features. In the scree plot ask why there is a step, and where.

# %%
# three points on a line
line = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
u, s, vt = torch.linalg.svd(line - line.mean(0), full_matrices=False)
vt[0], (line - line.mean(0)) @ vt[0]

# %% [markdown]
# The direction is $(0.6, 0.8)$, or $(-0.6, -0.8)$: a direction has no sign of its own, and two programs may differ in it. The coordinates are $-5, 0, 5$ (or $5, 0, -5$). One number says everything about these points, because they lie on a line.

# %% [markdown] exercise="04.1" title="Build it: PCA by the SVD" points=2 difficulty=2 importance=5 minutes=8 own="course_utils.activations:pca"
# Return the coordinates of the rows of `x` along the first `k` directions. The sign of each column is up to you.


# %% exercise="04.1"
def pca_coordinates(x, k):
    """Coordinates along the k directions of largest variance.

    x: (N, D), k: how many directions
    returns: (N, k)
    """
    ### BEGIN SOLUTION
    centered = x - x.mean(0)
    _, _, vt = torch.linalg.svd(centered, full_matrices=False)
    return centered @ vt[:k].T
    ### END SOLUTION


check("04.1", pca_coordinates)

# %% [markdown] fold="Hint"
# Center first, and use the centered table twice: for the SVD and for the projection. The directions are the first `k` **rows** of the third result.

# %% picture="04.1"
# your PCA of the features: every second picture at its place
show_map(crops.images[::2], pca_coordinates(features, 2)[::2], size=0.075, width=7)

# %% [markdown] solution="04.1"
# The covariance matrix would have $1280 \times 1280$ entries, and for pixels $49\,152 \times 49\,152$. The SVD of the centered table never builds it.

# %% [markdown]
# What *are* these directions? A direction in the space of pixels has one number for each pixel, so it is a picture itself. Gray is 0: along this direction nothing changes there. (Of photos of faces, such directions are called *eigenfaces*. The sign is free, so each picture could also be its own negative. Each was scaled by its own largest number, so you can't compare how strong they are.)

# %%
# the first six directions of the pixels, as pictures
pixels = vectors(None, crops.images, space="pixels")
pixel_pca, feature_pca = pca(pixels), pca(features)
directions = pixel_pca.components[:6].view(6, 3, 128, 128)
largest = directions.abs().amax((1, 2, 3), keepdim=True)
show_images(directions / (2 * largest) + 0.5, [f"direction {k}" for k in range(1, 7)], columns=6)

# %% [markdown]
# The first one has nearly the same value everywhere: to go along it makes the whole picture lighter. The second sets the upper half against the lower one. A direction of the features is no picture. But you can put photos in the order of their coordinates and look at what changes.
#
# **Predict, run, explain.** All 37 photos were put in the order of the first direction of the pixels, then of the features. Each row shows the first six and the last six. What changes from left to right in each row?

# %%
# `spaces` holds the coordinates along all directions: the same clouds, only turned, so all distances are the same
# six photos from each end of the first direction: by pixels (above) and by features (below)
whole = torch.tensor([variant == "whole" for variant in crops.variants])
spaces = {"pixels": pixel_pca.project(pixels), "features": feature_pca.project(features)}
first = {name: coordinates[:, 0] for name, coordinates in spaces.items()}
ends = {name: along[whole].argsort()[[*range(6), *range(-6, 0)]] for name, along in first.items()}
brightness, excitement = crops.images.mean((1, 2, 3)), features.mean(1)
for name, along in first.items():
    light, much = (
        abs(torch.corrcoef(torch.stack([along, other]))[0, 1]) for other in (brightness, excitement)
    )
    print(f"{name:9s} correlation with brightness {light:.3f}, with the mean feature {much:.3f}")

# the features: the same question for more directions, also without two birds
birds = [crops.names[i] in ("goose", "bald_eagle") for i in crops.objects.tolist()]
for title, table in (("all", features), ("no birds", features[~torch.tensor(birds)])):
    along = torch.cat([pca(table, k=4).project(table), table.mean(1, keepdim=True)], 1)
    linked_to = torch.corrcoef(along.T)[4, :4].abs().tolist()
    print(f"{title:9s} mean feature with directions 1 to 4:", *(f"{r:.2f}" for r in linked_to))
shown = torch.cat(list(ends.values()))
show_images(
    crops.images[whole][shown], [crops.names[i] for i in shown.tolist()], columns=12, width=11
)

# %% [markdown]
# By pixels: from dark to light. The coordinate is the mean brightness of the picture, on another scale. For the features, the first direction is mostly *how much* the layer answers, that is, the mean of the
# 1280 features; the next ones are not. Four of the six photos at one end are textures (handwriting, gravel, a field of stars, grass). Does the layer answer less at this end, or more? `features[whole][ends["features"]].mean(1)` tells. At the other, two birds stand far out, but the last line says that they alone do not make this direction. So the first direction is the loudest one, and need not be the one that you are interested in.


# %% claim="first direction of the pixels: brightness; of the features: the mean feature, not brightness"
def linked(one, other):
    return abs(torch.corrcoef(torch.stack([one, other]))[0, 1].item())


assert linked(first["pixels"], brightness) > 0.9
assert not linked(first["features"], brightness) > 0.4
assert linked(first["features"], excitement) > 0.6
assert not linked(spaces["features"][:, 1], excitement) > 0.4
assert not linked(spaces["features"][:, 2], excitement) > 0.4
without = features[~torch.tensor(birds)]
tamed = pca(without, k=3).project(without)
assert linked(tamed[:, 0], without.mean(1)) > 0.6
assert not linked(tamed[:, 1], without.mean(1)) > 0.4
by_thing = torch.stack([first["features"][crops.objects == k].mean() for k in range(37)])
sizes = by_thing.abs().sort(descending=True)
assert {crops.names[i] for i in sizes.indices[:2].tolist()} == {"goose", "bald_eagle"}
assert sizes.values[1] > 1.5 * sizes.values[2]
halves = [{crops.names[i] for i in ends["features"][part]} for part in (slice(6), slice(6, 12))]
flat_ones = {"text", "hubble", "gravel", "grass"}
assert max(len(flat_ones & half_of) for half_of in halves) == 4
assert min(len(flat_ones & half_of) for half_of in halves) == 0
light_by_row = crops.images.mean((1, 3))
top_to_bottom = light_by_row[:, :64].mean(1) - light_by_row[:, 64:].mean(1)
assert linked(spaces["pixels"][:, 1], top_to_bottom) > 0.7
assert not linked(spaces["pixels"][:, 0], top_to_bottom) > 0.7

# %% [markdown]
# How many directions does one need? The **scree plot** shows the variance along each, here on a logarithmic scale.

# %%
# pixels against features: how much of the variance each direction holds; the dotted line is at 36
spectra = {"pixels": pixel_pca.ratio, "features": feature_pca.ratio}
show_scree(spectra, title="222 pictures", most=60, log=True, mark=36)

# %% [markdown]
# One direction holds a fifth of the variance of the *pixels*. The features have no such direction: their first two, which is all that a plane can show, hold a tenth. So a map by projection keeps its promise, but things that are far apart in 1280 dimensions can fall on the same spot.
#
# And the curve of the features falls steeply near 36. Why there? There are 37 things. Two points lie on one line, three in one plane, and 37 points span at most 36 directions. In the features the six copies of a thing lie near each other, so nearly all the variance *between* things
# is in the first 36 directions, and what follows is only the small difference between copies. In the pixels the copies differ about as much as the things do (the last lines of the next cell; with mixed labels, about a sixth would lie between things), and there is no step. Keep half of the things, and the step must move to half:


# %%
# the step of the features: 10 directions before against 10 after
def step_at(variances, k):
    return (variances[k - 10 : k].mean() / variances[k : k + 10].mean()).item()


half = pca(features[crops.objects < 19])
for title, found in (("37 things", feature_pca), ("19 things", half), ("pixels", pixel_pca)):
    at_36, at_18 = step_at(found.variances, 36), step_at(found.variances, 18)
    print(f"{title:9s} step at 36: {at_36:.1f},  at 18: {at_18:.1f}")


def share_between(x):
    """The share of the variance that lies between the things, not between copies."""
    middle_of = torch.stack([x[crops.objects == k].mean(0) for k in range(37)])
    return (middle_of[crops.objects].var(0).sum() / x.var(0).sum()).item()


for name, space in spaces.items():
    print(f"{name:9s} {share_between(space):.0%} of the variance lies between things")


# %% claim="37 things span 36 directions of the features: the step is there, moves with their number, and pixels have none"
def span_of_things(x, labels):
    middle = torch.stack([x[labels == k].mean(0) for k in range(37)])
    across = pca(middle, k=36).components
    return (feature_pca.components[:36] @ across.T).square().sum().item() / 36


assert step_at(feature_pca.variances, 36) > 2.5
assert not step_at(pixel_pca.variances, 36) > 2.5
for pick in range(3):
    staying = torch.randperm(37, generator=torch.Generator().manual_seed(pick))[:19]
    some = pca(features[torch.isin(crops.objects, staying)]).variances
    assert step_at(some, 18) > 2.5
    assert not step_at(some, 36) > 2.5
    mixed = crops.objects[torch.randperm(222, generator=torch.Generator().manual_seed(pick))]
    assert not span_of_things(features, mixed) > 0.85
assert span_of_things(features, crops.objects) > 0.85
assert share_between(spaces["features"]) > 0.7
assert not share_between(spaces["pixels"]) > 0.7
assert share_between(spaces["pixels"]) > 0.35
scrambled = crops.objects[torch.randperm(222, generator=torch.Generator().manual_seed(3))]
for table_of in spaces.values():
    scrambled_means = torch.stack([table_of[scrambled == k].mean(0) for k in range(37)])
    share_by_luck = scrambled_means[scrambled].var(0).sum() / table_of.var(0).sum()
    assert 0.1 < share_by_luck < 0.25
assert spectra["pixels"][0] > 0.15
assert not spectra["features"][0] > 0.15
assert spectra["features"][:2].sum() < 0.15

# %% [markdown]
# ## t-SNE: neighbors first
#
# Turn distances into a question: *if point $i$ had to choose one neighbor, which one would it take?* Near points are likely, far points are not:
#
# $$p_{j|i} = \frac{\exp(-\beta_i\,|x_i - x_j|^2)}{\sum_{l \ne i}\exp(-\beta_i\,|x_i-x_l|^2)}, \qquad p_{i|i} = 0 .$$
#
# $\beta_i$ says how fast the likelihood falls with the distance; $\sigma_i$ in $\beta_i = 1/(2\sigma_i^2)$ is the **width** of point $i$. It is chosen for each point by itself, so that the point has a wanted number of neighbors. "Number of neighbors" needs a meaning when the weights are unequal: the **perplexity**
#
# $$\mathrm{Perp}(p) = 2^{H(p)}, \qquad H(p) = -\sum_j p_j \log_2 p_j .$$
#
# In the head: four neighbors with $\frac14$ each have $H = 2$, so the perplexity is $4$. Two with $\frac12$ each: $2$. One with probability 1: $1$.

# %% [markdown] notes="1" minutes=20
# Type 04.2 with the room; for 04.3 draw the bisection on the board and give it to them, or catch up.

# %% [markdown] exercise="04.2" title="Build it: perplexity" points=1 difficulty=1 importance=4 minutes=5 own="course_utils.activations:perplexity_of"
# `p` has one distribution in each row. Some entries are 0: they add nothing.


# %% exercise="04.2"
def perplexity(p):
    """The effective number of neighbors of each row.

    p: (N, M), rows sum to 1, some entries are 0
    returns: (N,)
    """
    ### BEGIN SOLUTION
    entropy = torch.special.entr(p).sum(1)  # -p log p, and 0 for p = 0; natural logarithm
    return entropy.exp()
    ### END SOLUTION


check("04.2", perplexity)

# %% [markdown] fold="Hint"
# $2^{H}$ with $\log_2$ is the same as $e^{H}$ with the natural logarithm; only do not mix them. `torch.special.entr(p)` is $-p \log p$ and knows that $0 \log 0 = 0$.

# %% [markdown] exercise="04.3" title="Build it: the search for each width" points=4 difficulty=4 importance=4 minutes=18 own="course_utils.activations:affinities"
# Find $\beta_i$ for each row by **bisection**: keep a lower and an upper bound of $\log \beta$ (such as $-30$ and $30$), look at the middle, and keep the half in which the answer lies. A larger $\beta$ makes the perplexity smaller. Fifty steps are plenty. Return
# the table of $p_{j|i}$. Your function `perplexity` of 04.2 can measure all rows at once.


# %% exercise="04.3"
def affinities(squares, wanted):
    """The conditional affinities of t-SNE.

    squares: (N, N) squared distances; wanted: the perplexity that each row shall have
    returns: (N, N), row i is what point i would choose; diagonal 0, rows sum to 1
    """
    ### BEGIN SOLUTION
    squares = squares.clone()
    squares.fill_diagonal_(torch.inf)
    squares = squares - squares.amin(1, keepdim=True)  # changes no p, and no row can underflow to 0
    low, high = torch.full((len(squares), 1), -30.0), torch.full((len(squares), 1), 30.0)
    for _ in range(60):
        middle = (low + high) / 2
        weights = torch.exp(-middle.exp() * squares)
        p = weights / weights.sum(1, keepdim=True)
        too_many = perplexity(p)[:, None] > wanted
        low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
    return p
    ### END SOLUTION


check("04.3", affinities)

# %% [markdown] fold="Hint"
# Do all rows at once: `low` and `high` of shape `(N, 1)`. Set the diagonal of the squared distances to infinity; then `exp(-inf) = 0` keeps each point from choosing itself. If the perplexity is too large, $\beta$ must grow: `low = middle`.

# %% [markdown] fold="I get: contains NaN"
# With a large $\beta$ all weights of a row become 0, and you divide 0 by 0. Take the smallest squared distance of each row away first: the nearest neighbor then has weight 1, and the $p$ do not change.

# %% [markdown]
# On the plane, t-SNE computes affinities $q_{ij}$ too, with another curve: $1/(1+d^2)$, a **Student t**. In the head: at the distance 3 it is $0.1$, and the Gaussian $e^{-d^2}$ is about $0.0001$. What this heavy tail is good for is a question for later. Then t-SNE moves the points until $q$ is as near
# as possible to $p$.

# %% [markdown] exercise="04.4" title="Build it: affinities on the map" points=2 difficulty=2 importance=3 minutes=6 own="course_utils.activations:map_affinities"
# For points $y_i$ on the plane, $q_{ij}$ is proportional to $1/(1+|y_i-y_j|^2)$; $q_{ii} = 0$; all entries **together** sum to 1.


# %% exercise="04.4"
def map_affinities(y):
    """The affinities of points on a map.

    y: (N, 2)
    returns: (N, N), diagonal 0, the whole table sums to 1
    """
    ### BEGIN SOLUTION
    squares = (y[:, None] - y[None]).square().sum(2)
    weights = 1 / (1 + squares)
    weights.fill_diagonal_(0)
    return weights / weights.sum()
    ### END SOLUTION


check("04.4", map_affinities)

# %% [markdown] fold="Hint"
# First the weights, then the diagonal to 0, then the division by the sum of the whole table.

# %% [markdown]
# ## Move the points: your own t-SNE
#
# Two things are missing: a number that says how well $q$ fits $p$, and a way to make it smaller.
#
# First, one table in place of $N$ separate rows. Each pair asks both of its points:
#
# $$p_{ij} = \frac{p_{j|i} + p_{i|j}}{2N} .$$
#
# This table is symmetric, and all its entries together sum to 1, like those of $q$. How far $q$ is from $p$ is measured by the **Kullback-Leibler divergence**
#
# $$\mathrm{KL}(p, q) = \sum_{i,j} p_{ij} \log \frac{p_{ij}}{q_{ij}} ,$$
#
# which is 0 if the tables are equal, and else positive. (It is no distance: $\mathrm{KL}(q, p)$ is another number.) A pair with a large $p_{ij}$ counts much: if it lies far apart on the map, that is expensive. The term of a pair with $p_{ij} = 0$ is 0, wherever it lies; if it lies near, it only takes a share of $q$ from the others. So t-SNE cares about neighbors first.
#
# In the head: only two pairs, $p = (\frac12, \frac12)$ and $q = (\frac14, \frac34)$. Then $\mathrm{KL} = \frac12\log 2 + \frac12\log\frac23 \approx 0.347 - 0.203 = 0.144$.
#
# The gradient by the place $y_i$ of point $i$ is
#
# $$\frac{\partial\,\mathrm{KL}}{\partial y_i} = 4 \sum_j (p_{ij} - q_{ij})\, \frac{y_i - y_j}{1 + |y_i - y_j|^2} .$$
#
# Read it as forces. A step goes *against* the gradient: where $p_{ij} > q_{ij}$, point $i$ moves toward $j$; where $p_{ij} < q_{ij}$, away from it. The fraction is strongest at the distance 1, and weak for pairs that are far apart.

# %% [markdown] notes="1" minutes=20
# Draw two points and ask which way they move if p is larger than q. Then 04.5. Whoever is behind catches up: the
# picture after it needs all five functions. t-SNE runs for some seconds.

# %% [markdown] exercise="04.5" title="Build it: the force on every point" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.activations:joint course_utils.activations:kl_gradient"
# Make the symmetric table $p$ from the conditional affinities (divide by $2N$, as above, not by the table's own sum), then return the gradient by the formula: one row of two numbers for each point. Your function `map_affinities` gives $q$. (Two points may lie at the same place. The cell that uses your function will hand in 4 times the affinities, and the 4 must not get lost.)


# %% exercise="04.5"
def kl_gradient(conditional, y):
    """The gradient of KL(p, q) by the places on the map.

    conditional: (N, N), row i holds p(j|i); y: (N, 2), the places
    returns: (N, 2), row i is the gradient by y_i
    """
    ### BEGIN SOLUTION
    p = (conditional + conditional.T) / (2 * len(conditional))
    apart = y[:, None] - y[None]
    strength = (p - map_affinities(y)) / (1 + apart.square().sum(2))
    return 4 * (strength[:, :, None] * apart).sum(1)
    ### END SOLUTION


check("04.5", kl_gradient)

# %% [markdown] fold="Hint"
# `y[:, None] - y[None]` has shape `(N, N, 2)`: entry `[i, j]` is $y_i - y_j$. Multiply it with an `(N, N, 1)` table of numbers and sum over $j$, which is dimension 1.

# %% [markdown] fold="Think: where does the 4 come from?"
# Each pair stands in the table twice, as $(i,j)$ and as $(j,i)$: a factor 2. The square in $1 + |y_i - y_j|^2$ gives another 2 when it is differentiated. You need no derivation to test it: let PyTorch differentiate KL, and compare. That is what `check` does.

# %% [markdown]
# Now put your functions together. The perplexity is 8: besides the five copies of a picture, about three others have a say. The points start as a tiny heap in the middle, each where PCA puts it. Two tricks of the paper help them move: **momentum** (a step keeps a part of the last one), and **early exaggeration** (at first, $p$ is
# multiplied by 4, so that neighbors pull harder).

# %% picture="04.5"
# your own t-SNE of the 222 pictures, 500 steps
few = pca_coordinates(features, 50)
conditional = affinities(torch.cdist(few, few).square(), 8.0)
reached = perplexity(conditional)
print(f"perplexity of the rows: {reached.min():.2f} to {reached.max():.2f}")
y = 1e-4 * few[:, :2] / few[:, 0].std()
velocity, panels = torch.zeros_like(y), {}
for step in range(1, 501):
    exaggeration, momentum = (4, 0.5) if step <= 100 else (1, 0.8)
    velocity = momentum * velocity - 200 * kl_gradient(exaggeration * conditional, y)
    y = y + velocity
    if step in (5, 20, 100, 200):
        panels[f"step {step}: width {y[:, 0].max() - y[:, 0].min():.2g}"] = y

# and your last map beside scikit-learn's, by the same formula
own_maps = {"yours, step 500": y, "scikit-learn's": flat}
p = (conditional + conditional.T) / (2 * len(conditional))
for name, points in own_maps.items():
    divergence, well = (
        kl_divergence(p, map_affinities(points)),
        label_agreement(points, crops.objects),
    )
    panels[f"{name}: KL {divergence:.2f}, {well:.0%} sorted"] = points
display(show_points(panels, crops.objects))

# one picture of each thing, at its place on your map
show_map(crops.images[whole], y[whole], size=0.1, width=6)

# %% [markdown] own="course_utils.activations:plain_tsne"
# Each panel has its own scale; the first four titles say how wide the map is. At first the points jump too far, since a step of 200 is large for 222 points: at step 5 they lie in disorder. Try `(15 if step <= 100 else 200)` in place of `200`: what do the panels show now? The two programs reach about the same divergence, and both sort nearly every picture to its own thing. ("Sorted": the share of points whose thing is the most frequent one among their five nearest others. Seven photos have an exact double; this lifts all such numbers a little.)
#
# From here on, scikit-learn does most of the moving. It follows the same forces, with another number of steps and a stronger exaggeration, and sums those of far points in groups (Barnes-Hut), so that many thousand points are possible.

# %% claim="your t-SNE ends as low as scikit-learn's, also from random places; points in disorder do not"
fitted = {one: kl_divergence(p, map_affinities(where)) for one, where in own_maps.items()}
assert fitted["yours, step 500"] < 1.4 * fitted["scikit-learn's"]
assert fitted["scikit-learn's"] < 1.4 * fitted["yours, step 500"]
for where in own_maps.values():
    assert label_agreement(where, crops.objects) > 0.9
tossed = plain_tsne(few, perplexity=8, init="random", seed=1)
assert kl_divergence(p, map_affinities(tossed)) < 1.4 * fitted["scikit-learn's"]
disorder = flat[torch.randperm(222, generator=torch.Generator().manual_seed(0))]
assert not kl_divergence(p, map_affinities(disorder)) < 1.4 * fitted["scikit-learn's"]

# %% [markdown]
# ## How can a map be better than its space?

# %% [markdown] notes="1" minutes=11
# Let the three percentages for pixels stand on the board, and collect explanations before you go on. Then one cell at a
# time.

# %%
# 222 pictures, by pixels and by features, colored by thing (some colors are hard to tell apart)
two = {"pixels": tsne(spaces["pixels"], perplexity=8), "features": flat}
display(show_points(two, crops.objects))

# the map of the pixels, with every third picture
show_map(crops.images[::3], two["pixels"][::3], size=0.085, width=5.5)

# %% [markdown]
# By features, the points lie in small clusters of one color. By pixels most are spread; what lies together is equally light or dark, or of a similar color, as the pictures show. Now the share of sorted points, in each space and on its maps:

# %%
# how well each space is sorted, before and after the map
planes = {name: space[:, :2] for name, space in spaces.items()}
for name, space in spaces.items():
    own, shadow, near = (
        label_agreement(x, crops.objects) for x in (space, planes[name], two[name])
    )
    print(
        f"{name:9s} in their own space: {own:.0%},  on the plane of PCA: {shadow:.0%},  "
        f"on the map of t-SNE: {near:.0%}"
    )


# %% claim="on the map of pixels neighbors are equally light and of similar color; on the map of features they are not"
def alike_around(points, value):
    gaps = l2_distances(points)
    gaps[crops.objects[:, None] == crops.objects[None]] = math.inf  # only pictures of other things
    return linked(value, value[nearest(gaps, 5)[0]].mean(1))


color_means = crops.images.mean((2, 3))
for value_of in (brightness, color_means[:, 0] - color_means[:, 1]):
    assert alike_around(two["pixels"], value_of) > 0.6
    assert not alike_around(two["features"], value_of) > 0.4
sorted_share = {one: label_agreement(where, crops.objects) for one, where in two.items()}
assert sorted_share["features"] > 0.9
assert not sorted_share["pixels"] > 0.8
assert sorted_share["pixels"] > 1.1 * label_agreement(spaces["pixels"], crops.objects)

# %% [markdown]
# Look at the row of the pixels. The plane has lost about 70 % of their variance, and it is sorted *better* than the whole space. t-SNE's map is better than the space, too. A map cannot know more than its space. So what did the space have too much of?
#
# Ask each direction by itself. Its variance has two parts: between the things (their means differ) and between the copies of a thing. The means of 37 things span 36 directions. Each of these is handed out to the directions of PCA, in parts that add up to 1. So all shares together are 36, in pixels and in features alike. There are 214 directions (215 different pictures), so the mean share is about a sixth: the dotted line. Where more is spent early, less is left. Gray dots: the pixels with mixed labels.

# %%
# left: what each direction of PCA is good for; right: how well the first k of them are sorted
counts = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 221]
figure, axes = new_figure(1, 2, width=8.5, aspect=0.7)
kept, held = {}, {}
for name, along in spaces.items():
    middle = torch.stack([along[crops.objects == k].mean(0) for k in range(37)])
    held[name] = middle[crops.objects].var(0) / along.var(0)
    kept[name] = [label_agreement(along[:, :k], crops.objects) for k in counts]
    axes[0, 0].plot(range(1, 151), held[name][:150], ".", markersize=4)
    axes[0, 1].plot(counts, kept[name], "o-", markersize=4, label=name)
mixed_up = crops.objects[torch.randperm(222, generator=torch.Generator().manual_seed(0))]
middle = torch.stack([spaces["pixels"][mixed_up == k].mean(0) for k in range(37)])
held["mixed labels"] = middle[mixed_up].var(0) / spaces["pixels"].var(0)
axes[0, 0].plot(range(1, 151), held["mixed labels"][:150], ".", markersize=2, color="gray")
axes[0, 0].axhline(36 / 214, color="gray", linestyle=":")
axes[0, 0].set(xlabel="direction", ylabel="share between things", ylim=(0, 1.02))
axes[0, 1].set(xlabel="directions kept", ylabel="sorted", xscale="log", ylim=(0, 1.02))
axes[0, 1].legend(loc="lower right")
figure

# %% [markdown]
# The first two directions of the pixels hold mostly differences between *things* (a thing is light or dark, above or below, in all its copies). After about ten, most of the variance lies between *copies*, and after fifty no more than with mixed labels. A
# distance in the full space adds up all of them. With ten directions three quarters of the pictures are sorted, with all 221 less than half. The features spend nearly all of the 36 in their first 36 directions. What follows is small and does no harm. One direction alone sorts few, five nearly all.
#
# Why do the copies of a thing differ so much, in pixels? Perhaps because detail has *moved*. Test it: make six copies of each photo that differ *only* by a shift, a small or a large one. Then take the crops, one change at a time.

# %%
# 37 photos of 64 x 64 pixels, six random shifts of each: how well are the copies sorted?
wider = crop_set(variants=("whole",), size=88).images
copy_of, draws, by_shift = torch.arange(222) // 6, torch.Generator().manual_seed(0), {}
for most in (1, 4, 12):
    corners = torch.randint(12 - most, 13 + most, (222, 2), generator=draws).tolist()
    windows = [
        wider[k, :, a : a + 64, b : b + 64] for k, (a, b) in zip(copy_of, corners, strict=True)
    ]
    shifted = torch.stack(windows).flatten(1)
    early = pca(shifted, k=10).project(shifted)
    by_shift[most] = [label_agreement(x, copy_of) for x in (shifted, early)]
    print(
        "shifts up to {} pixels: {:.0%} sorted, by 10 directions {:.0%}".format(
            most, *by_shift[most]
        )
    )

# one change at a time: for how many of the photos and their changed copies is the nearest one the right one?
one_change = {}
for change in crops.variants[1:6]:
    pair = torch.tensor([variant in ("whole", change) for variant in crops.variants])
    one_change[change] = [
        label_agreement(space[pair], crops.objects[pair], k=1)
        for space in (spaces["pixels"], spaces["pixels"][:, :10], spaces["features"])
    ]
    print(
        "{:10s} pixels {:.0%}, by 10 directions {:.0%}; features {:.0%}".format(
            change, *one_change[change]
        )
    )

# %% [markdown]
# A small shift does little harm. A large one costs the full space about half of its order, and ten directions much less: moving alone can do it. In our crops "left" and "right" move the photo by 28 of 128 pixels. Moved, mirrored, or cropped, about half of the pictures lose their partner, and ten directions bring many of them back. False colors move nothing: most keep theirs, and ten directions do not help.
#
# And the features? For copies it may be enough to forget *where*, without learning (the sorted grays of lesson 03). Try a histogram of 16 grays, `torch.stack([one.histc(16, 0, 1) for one in crops.images.mean(1)]).sqrt()`. How many of the 222 does `label_agreement` sort by it?

# %% claim="late directions hold copies, not things; dropping them helps pixels, not features; moving is enough for it, and each change but the false colors does it"
assert held["pixels"][:2].min() > 0.7
assert held["pixels"][10:50].mean() < 0.35
assert held["pixels"][50:150].mean() < 0.22
assert held["features"][:30].min() > 0.7
assert pixel_pca.ratio[:2].sum() < 0.35
assert feature_pca.ratio[:36].sum() > 0.75
assert not pixel_pca.ratio[:10].sum() > 0.75
assert kept["pixels"][1] > kept["pixels"][-1]
assert not kept["features"][1] > kept["features"][-1]
assert kept["pixels"][5] > 0.65
assert kept["pixels"][-1] < 0.55
exact = features.double() - features.double().mean(0)
turned_exactly = torch.linalg.svd(exact, full_matrices=False).U
group_means = torch.stack([turned_exactly[crops.objects == k].mean(0) for k in range(37)])
shares_of = group_means[crops.objects].var(0) / turned_exactly.var(0)
assert abs(shares_of[:214].sum() - 36) < 0.1  # beyond 214 there is only rounding
mixed_means = torch.stack([turned_exactly[mixed_up == k].mean(0) for k in range(37)])
mixed_sum = (mixed_means[mixed_up].var(0) / turned_exactly.var(0))[:214].sum()
assert abs(mixed_sum - 34.8) < 0.1
assert not abs(mixed_sum - 36) < 0.1
little = torch.randn(222, 10, generator=torch.Generator().manual_seed(0))
little = pca(little, k=10).project(little)  # few directions: not independent
little_means = torch.stack([little[crops.objects == k].mean(0) for k in range(37)])
assert not abs((little_means[crops.objects].var(0) / little.var(0)).sum() - 36) < 3
assert kept["features"][0] < 0.5
assert kept["features"][3] > 0.87
for moving in ("left", "right", "flipped", "cropped"):
    assert one_change[moving][0] < 0.6
    assert one_change[moving][1] > 1.1 * one_change[moving][0]
assert not one_change["recolored"][0] < 0.7
assert not one_change["recolored"][1] > 1.1 * one_change["recolored"][0]
assert min(by_change[2] for by_change in one_change.values()) > 0.9
left_of, right_of = (crops.images[crops.variants.index(side)] for side in ("left", "right"))
assert (left_of[..., :72] - right_of[..., 56:]).abs().max() < 0.01  # 28 to each side
assert not (left_of[..., :72] - right_of[..., :72]).abs().max() < 0.01
assert not abs(held["pixels"][:36].sum() - 36) < 3
assert held["features"][:36].sum() > 31
assert not held["pixels"][:36].sum() > 31
assert held["pixels"][50:150].mean() < 1.1 * held["mixed labels"][50:150].mean()
assert not held["pixels"][10:20].mean() < 1.1 * held["mixed labels"][10:20].mean()
once = torch.tensor([variant != "recolored" for variant in crops.variants])  # no picture twice
alone = crops.objects[once]
assert label_agreement(spaces["pixels"][once][:, :10], alone) > 1.1 * label_agreement(
    spaces["pixels"][once], alone
)
for pick in range(1):
    tried = {}
    for move in (1, 12):
        draw_at = torch.Generator().manual_seed(10 + pick)
        at = torch.randint(12 - move, 13 + move, (222, 2), generator=draw_at).tolist()
        cut = [wider[k, :, u : u + 64, v : v + 64] for k, (u, v) in zip(copy_of, at, strict=True)]
        flat_cut = torch.stack(cut).flatten(1)
        ten = pca(flat_cut, k=10).project(flat_cut)
        tried[move] = [label_agreement(one, copy_of) for one in (flat_cut, ten)]
    for one_pair in (tried, by_shift):
        assert one_pair[1][0] > 0.9
        assert not one_pair[12][0] > 0.7
        assert one_pair[12][1] > 1.2 * one_pair[12][0]
        assert not one_pair[1][1] > 1.2 * one_pair[1][0]

# %% [markdown]
# And t-SNE? Our `tsne` first goes down to 50 directions (the paper: to 30). Something else is there, too. Count how often each picture is among the five nearest of another one. The mean is five.

# %%
# the six pictures that are most often among the five nearest, in the full space of pixels
near_by, _ = nearest(l2_distances(spaces["pixels"]), 5, exclude_self=True)
times = near_by.flatten().bincount(minlength=222)
top = times.argsort(descending=True)[:6]
inward = {}
for name, space in (("full space", spaces["pixels"]), ("plane", planes["pixels"])):
    fifth = nearest(l2_distances(space), 5, exclude_self=True)[1][:, 4]
    inward[name] = (space.norm(dim=1) < fifth).float().mean()
    print(f"{name}: {inward[name]:.0%} are nearer to the middle than to their fifth neighbor")
print(f"{(times == 0).float().mean():.0%} of the pictures are nobody's neighbor")

# is it the place near the middle, or near neighbors? All 222, and the ranks of these six (1 is the nearest)
fifth_far = nearest(l2_distances(spaces["pixels"]), 5, exclude_self=True)[1][:, 4]
hub_ranks, hub_linked = {}, {}
for name, x in (("middle", spaces["pixels"].norm(dim=1)), ("fifth neighbor", fifth_far)):
    hub_ranks[name] = 1 + x.argsort().argsort()[top]
    hub_linked[name] = spearmanr(-x, times)[0]
    print(f"near {name}: rank correlation {hub_linked[name]:.2f}, ranks {hub_ranks[name].tolist()}")
show_images(crops.images[top], [f"{times[i]} times" for i in top])

# %% [markdown]
# These are gray pictures with little contrast; five of the six show the same bricks. The first one is "near" to more than a quarter of all others, and about a fifth of the pictures are nobody's neighbor. Such points are called **hubs** (Radovanović and others, 2010). These six lie near the middle of the cloud (the ranks), and the printed numbers show why that helps: in the full space most pictures are nearer to the middle
# than to their own fifth neighbor, so all of these would count a point at the middle. On a plane hardly one would. But over all 222, having near neighbors says more than lying near the middle.
#
# Why is a hub no hub on the map? On a plane a point can be among the five nearest of at most 30 others: cut the plane around it into six slices of 60 degrees; in a slice, only the five nearest can count it. And t-SNE asks in another way. A hub has near neighbors (the second ranks), so its own scale is small. Measured with *its* scale, you are far away. So ask both points. Here are the same 50 directions, sorted by the distance, by $p_{j|i}$
# (only the scale of $i$), by $p_{ij}$ (both), and by the distance divided by the geometric mean of both scales, $d_{ij}/\sqrt{s_i s_j}$ ($s_i$ is the distance of the eighth neighbor of $i$). This is **local scaling** (Zelnik-Manor and Perona, 2004); Schnitzer and others (2012) use it against hubs:

# %%
# from the full space to the map, step by step
fifty = l2_distances(spaces["pixels"][:, :50])
asked_one = activations.affinities(spaces["pixels"][:, :50], perplexity=8)
scale = fifty.sort(dim=1).values[:, 8]
stages = {
    "all pixels": l2_distances(spaces["pixels"]),
    "50 directions": fifty,
    "50 directions, by p(j|i)": -asked_one,
    "50 directions, by p(i,j)": -activations.joint(asked_one),
    "50 directions, by both scales": fifty / (scale[:, None] * scale).sqrt(),
    "t-SNE's map": l2_distances(two["pixels"]),
}
stage_sorted, stage_hub = {}, {}
for name, table in stages.items():
    chosen_by, _ = nearest(table, 5, exclude_self=True)
    votes = crops.objects[chosen_by].mode(1).values
    stage_sorted[name] = (votes == crops.objects).float().mean().item()
    stage_hub[name] = chosen_by.flatten().bincount().max().item()
    print(f"{name:30s} {stage_sorted[name]:.0%} sorted, largest hub: {stage_hub[name]} times")

# %% [markdown]
# To ask one point changes nothing: $p_{j|i}$ falls with the distance, so the order is the same. To ask both by $p_{ij}$ brings about as much order as the map has, but the largest hub stays large: it loses only a few of its votes. To divide by both scales brings more order than the map, and the largest hub loses more than half of its votes. So each can be had without a map. When you *search* with pixels, as in lesson 03, try fewer directions, and both scales.

# %% claim="a few pictures near the middle are hubs; asking both points sorts better, asking one does not"
spread_out = spaces["pixels"].norm(dim=1)
contrast = crops.images.flatten(1).std(1)
assert times.max() > 56
assert (times == 0).sum() > 36
assert inward["full space"] > 0.6
assert not inward["plane"] > 0.6
assert inward["plane"] < 0.1
assert scale[top].max() < scale.quantile(0.3)
assert contrast[top].max() < 0.7 * contrast.mean()
assert spread_out[top].max() < spread_out.quantile(0.2)
assert stage_hub["t-SNE's map"] < 20
by_distance, by_scales = "50 directions", "50 directions, by both scales"
one_asked, both_asked = (stage_sorted[f"50 directions, by {how}"] for how in ("p(j|i)", "p(i,j)"))
assert both_asked - stage_sorted[by_distance] > 0.04
assert not one_asked - stage_sorted[by_distance] > 0.04
assert abs(both_asked - stage_sorted["t-SNE's map"]) < 0.05
assert not abs(one_asked - stage_sorted["t-SNE's map"]) < 0.05
votes_lost = stage_hub[by_distance] - stage_hub["50 directions, by p(i,j)"]
assert votes_lost < 0.5 * (stage_hub[by_distance] - stage_hub["t-SNE's map"])
assert not stage_hub[by_distance] - stage_hub[by_scales] < 0.5 * (
    stage_hub[by_distance] - stage_hub["t-SNE's map"]
)
assert [crops.names[i] for i in crops.objects[top].tolist()].count("brick") == 5
assert hub_ranks["middle"].max() < 15
assert hub_ranks["fifth neighbor"].max() < 40
assert hub_linked["fifth neighbor"] > 0.45
assert not hub_linked["middle"] > 0.45
assert stage_sorted[by_scales] > 1.2 * stage_sorted[by_distance]
assert stage_sorted[by_scales] > 1.05 * stage_sorted["t-SNE's map"]
assert stage_hub[by_scales] < 0.5 * stage_hub[by_distance]

# %% [markdown]
# ## Digits: who wins now?
#
# 400 handwritten digits, $8 \times 8$ pixels. Each is once a row of 64 pixels and once, enlarged, a row of 1280 features of the network, which was never trained to tell digits apart.
#
# **Predict, run, explain.** Which space will be sorted better by digit, pixels or features? Write your answer down.

# %% [markdown] notes="1" minutes=6
# Collect votes before the cell. Do not save the network: pixels win here, and the next cell says when.

# %%
# digits by pixels and by features
values, labels = load_digits(return_X_y=True)
digits = torch.tensor(values[:400]).float() / 16
labels = torch.tensor(labels[:400])
as_photos = resize(digits.view(-1, 1, 8, 8).repeat(1, 3, 1, 1), 64)
digit_features = vectors(net, as_photos)
names = [
    f"{n} (in the space: {label_agreement(s, labels):.0%} sorted)"
    for n, s in (("pixels", digits), ("features", digit_features))
]
maps = dict(zip(names, (tsne(digits, steps=500), tsne(digit_features, steps=500)), strict=True))
show_points(maps, labels, text=True)

# %% [markdown]
# The pixels win. Why? These digits are centered and of one size, so pixel distance compares stroke with stroke. Or is a digit of $64 \times 64$ pixels too small for the network? Test both with the first 200: enlarge half of them to the size of the photos on which the network was trained; and put all into a frame: in its middle (the control), anywhere, or in several sizes.

# %%
# the first 200 digits: as above, half of them enlarged, in the middle of a frame of twice the size, anywhere in it, in several sizes
generator = torch.Generator().manual_seed(0)
anywhere = torch.randint(0, 9, (200, 2), generator=generator)
side_of = torch.randint(5, 12, (200, 1), generator=generator)
corner_and_side = {
    "in the middle": (torch.full((200, 2), 4), torch.full((200, 1), 8)),
    "moved": (anywhere, torch.full((200, 1), 8)),
    "5 to 11 pixels": (((16 - side_of) // 2).expand(-1, 2), side_of),
}
tried_digits = {
    "as above": (digits[:200], digit_features[:200]),
    "half of them": (digits[:200:2], digit_features[:200:2]),
    "these, enlarged": (digits[:200:2], vectors(net, resize(as_photos[:200:2], 224))),
}
for name, (corners, sides) in corner_and_side.items():
    board = torch.zeros(200, 16, 16)
    for k, (down, right) in enumerate(corners.tolist()):
        n = sides[k].item()
        board[k, down : down + n, right : right + n] = resize(digits[k].view(1, 1, 8, 8), n)[0, 0]
    in_color = resize(board[:, None].repeat(1, 3, 1, 1), 128)
    tried_digits[name] = (board.flatten(1), vectors(net, in_color))
digit_shares = {}
for name, both in tried_digits.items():
    digit_shares[name] = [label_agreement(x, labels[: 200 : 200 // len(x)]) for x in both]
    print("{:15s} pixels {:.0%}, features {:.0%} sorted".format(name, *digit_shares[name]))

# %% [markdown]
# Enlarging alone is no cure: the features gain nothing. (The frame adds only zeros, so in its middle the pixels *must* stay the same.) In several sizes both lose. Anywhere in the frame the pixels fall far behind, while the features keep most of what they had. So the pixels are good at digits because these are centered and equally large. Why the features miss a fifth of them, these tests do not say.

# %% claim="digits in the middle: pixels win; digits that move: features keep most, pixels do not; several sizes: both lose"
those = slice(400, 600)
centered, answer = (
    torch.tensor(values[those]).float() / 16,
    torch.tensor(load_digits().target[those]),
)
drawn, wander = torch.Generator().manual_seed(1), torch.zeros(200, 16, 16)
for canvas, one in zip(wander, centered.view(-1, 8, 8), strict=True):
    low, over = torch.randint(0, 9, (2,), generator=drawn).tolist()
    canvas[low : low + 8, over : over + 8] = one
in_colors = [one[:, None].repeat(1, 3, 1, 1) for one in (centered.view(-1, 8, 8), wander)]
enlarged = [vectors(net, resize(one, 8 * one.shape[-1])) for one in in_colors]
still_there, went = tried_digits["in the middle"], tried_digits["moved"]
first_set = (*still_there, *went), labels[:200]
second_set = (centered, enlarged[0], wander.flatten(1), enlarged[1]), answer
for four, known in (first_set, second_set):
    by_pixels, by_features, moved_pixels, moved_by_features = (
        label_agreement(x, known) for x in four
    )
    assert by_pixels > by_features
    assert not moved_pixels > moved_by_features
    assert moved_by_features > 0.7 * by_features
    assert not moved_pixels > 0.7 * by_pixels
assert digit_shares["these, enlarged"][1] < 1.1 * digit_shares["half of them"][1]
assert digit_shares["these, enlarged"][0] > digit_shares["these, enlarged"][1]
assert digit_shares["in the middle"][0] == digit_shares["as above"][0]
assert 0.65 < digit_shares["as above"][1] < 0.9
for sized_seed in (1, 2):
    sized, its_draw = torch.zeros(200, 16, 16), torch.Generator().manual_seed(sized_seed)
    for sheet, one in zip(sized, centered.view(-1, 1, 1, 8, 8), strict=True):
        wide = torch.randint(5, 12, (1,), generator=its_draw).item()
        edge = (16 - wide) // 2
        sheet[edge : edge + wide, edge : edge + wide] = resize(one, wide)[0, 0]
    assert label_agreement(sized.flatten(1), answer) < 0.87 * label_agreement(centered, answer)
    assert not label_agreement(sized.flatten(1), answer) < 0.5  # far better than when they move
all_small = resize(centered.view(-1, 1, 8, 8), 5).flatten(1)  # equally small is no harm
assert not label_agreement(all_small, answer) < 0.87 * label_agreement(centered, answer)
for lost, its_own in zip(
    digit_shares["5 to 11 pixels"], digit_shares["in the middle"], strict=True
):
    assert lost < 0.87 * its_own

# %% [markdown]
# ## Why a Student t?
#
# The older method SNE had a Gaussian on both sides. Take the course's t-SNE (your formulas), and change the curve on the map: $q_{ij}$ proportional to $e^{-|y_i-y_j|^2}$ (this is *symmetric* SNE, with one table $p$). Its forces do not fade with the distance, and with the step 200 the points fly off to infinity. So the step is 20.
#
# **Predict, run, explain.** What will the map of the digits look like: (a) the same, (b) groups further apart, (c) groups closer together? Write your answer down.

# %% [markdown] notes="1" minutes=5
# Votes first. On the board: the two curves, and a point at distance 3.

# %%
# the same digits, the same p, two curves on the map
tails = {
    "Student t": plain_tsne(digits),
    "Gaussian": plain_tsne(digits, tail="gaussian", rate=20),
}


def room(points, by):
    """How far the nearest other group's middle is, in distances to the middle of the own group."""
    gaps = torch.cdist(points, torch.stack([points[by == k].mean(0) for k in range(10)]))
    own_gap = gaps[torch.arange(len(points)), by].mean()
    others_only = gaps.masked_fill(by[:, None] == torch.arange(10), math.inf)
    return (others_only.amin(1).mean() / own_gap).item()


# is it the step, or too few of them? Gaussian: twice as many; Student t: with the small step
checks = {
    "Gaussian, 1000 steps": plain_tsne(digits, tail="gaussian", rate=20, steps=1000),
    "Student t, step 20": plain_tsne(digits, rate=20),
}
for name, points in (tails | checks).items():
    print(
        f"{name:20s} the next group's middle is {room(points, labels):.1f} times as far as the own"
    )
show_points(tails, labels, text=True)

# %% [markdown]
# With the Gaussian the next group is nearer, measured by the size of the groups: (c). More steps do not change it, and the small step makes only a small part of it. Van der Maaten and Hinton call this the **crowding problem** and explain it so: in many dimensions a point can have many others at a middle distance; on a plane there is too little room for them. If near pairs keep their distances, these others must lie too far apart. With the Gaussian each such pair then pulls a little, and so many small pulls
# press the map together and leave no gaps. (On our few digits gaps remain, but smaller ones.) With the heavy tail, a middle distance may become a large one on the map.


# %% claim="with a Gaussian on the map the groups lie closer together, for two sets of digits, also with twice the steps"
def width_of_groups(points, by):
    middles = torch.stack([points[by == k].mean(0) for k in range(10)])
    inside = (points - middles[by]).norm(dim=1).mean()
    return (inside / (points - points.mean(0)).norm(dim=1).mean()).item()


others, their_labels = (
    torch.tensor(values[400:800]).float() / 16,
    torch.tensor(load_digits().target[400:800]),
)
longer = checks["Gaussian, 1000 steps"]
assert room(tails["Gaussian"], labels) > 1.5  # gaps remain
for crushed in (tails["Gaussian"], longer):
    assert 1.15 * room(crushed, labels) < room(tails["Student t"], labels)
    assert width_of_groups(crushed, labels) > width_of_groups(tails["Student t"], labels)
crushed, roomy = plain_tsne(others, tail="gaussian", rate=20), plain_tsne(others)
assert width_of_groups(crushed, their_labels) > width_of_groups(roomy, their_labels)
assert 1.15 * room(crushed, their_labels) < room(roomy, their_labels)
assert abs(room(longer, labels) / room(tails["Gaussian"], labels) - 1) < 0.1
assert not 1.15 * room(checks["Student t, step 20"], labels) < room(tails["Student t"], labels)
flown = False
try:
    plain_tsne(digits, tail="gaussian", rate=200, steps=100)
except ValueError as error:
    flown = "infinity" in str(error)
assert flown
assert plain_tsne(digits, rate=200, steps=100).isfinite().all()

# %% [markdown] own="course_utils.activations:tsne"
# ## Perplexity and seeds

# %% [markdown] notes="1" minutes=10
# Show one perplexity at a time and ask: how many groups? Then two seeds, and ask what changed places. Draw the ring on
# the board before you run its cell.

# %%
# the same digits with four perplexities, one color for each digit
views = {k: tsne(digits, perplexity=k, steps=500) for k in (2, 10, 30, 120)}
titled = {f"perplexity {k}: room {room(view, labels):.1f}": view for k, view in views.items()}
show_points(titled, labels, columns=4, width=10)

# %% [markdown]
# "Room" is the number of the last section: how many times as far as the own group's middle the next one is. A perplexity of 2 looks at two neighbors and tears groups into crumbs. Most crumbs of a digit still lie in one part of the map, but apart from each other, so it has the least room. With 10 and 30 most digits lie in one or two pieces. With 120, more than a quarter of all points, the groups grow wide again. Try several.

# %% claim="perplexity 2 tears the groups, 120 makes them wide; for two sets of digits"
other_views = {k: tsne(others, perplexity=k, steps=500) for k in (2, 10, 30, 120)}
for seen, known in ((views, labels), (other_views, their_labels)):
    wide = {k: width_of_groups(view_of, known) for k, view_of in seen.items()}
    assert wide[2] > 1.4 * wide[30]
    assert wide[2] > 1.4 * wide[10]
    assert wide[120] > 1.15 * wide[30]
    roomy_by = {k: room(view_of, known) for k, view_of in seen.items()}
    assert roomy_by[2] < 0.7 * roomy_by[120]
    assert roomy_by[120] < min(roomy_by[10], roomy_by[30])

# %% [markdown]
# **Predict, run, explain.** Below are four maps with random starts: perplexity 30 with two seeds, then perplexity 5 with the same two seeds. Turning and mirroring mean nothing, so each second map was turned and mirrored to fit its first as well as possible (`procrustes`; it
# also returns what is left over, from 0 for "equal" to 1). Which will be the same in both: the groups, their places, both, or none?

# %%
# two seeds, with a large and with a small perplexity
seeds, twice = {}, {}
for neighbors in (30, 5):
    twice[neighbors] = [
        tsne(digits, perplexity=neighbors, init="random", seed=seed, steps=500) for seed in (0, 1)
    ]
    still, turned, rest = procrustes(*(points.numpy() for points in twice[neighbors]))
    seeds[f"perplexity {neighbors}, seed 0"] = torch.from_numpy(still)
    seeds[f"perplexity {neighbors}, seed 1: left over {rest:.2f}"] = torch.from_numpy(turned)
show_points(seeds, labels, columns=4, width=10)

# %% [markdown]
# With perplexity 30, scikit-learn draws the same map from both seeds, place by place. With perplexity 5 the groups are the same, and their places are not: which group lies beside which is luck. What makes the places equal? scikit-learn begins with 250 steps in which $p$ is 12 times too large. Weaken only this pull, for perplexity 30:

# %%
# perplexity 30, three seeds, a weaker pull at the beginning
reduced = pca(digits, k=50).project(digits).numpy()
pulls = {12: [*twice[30], tsne(digits, init="random", seed=2, steps=500)]}
for factor in (4, 1):
    weaker = {"perplexity": 30.0, "init": "random", "max_iter": 500, "early_exaggeration": factor}
    weaker["learning_rate"] = 50.0  # by itself it would change with the factor
    pulls[factor] = [
        torch.from_numpy(TSNE(random_state=seed, **weaker).fit_transform(reduced))
        for seed in range(3)
    ]
left_over = {}
for factor, found_maps in pulls.items():
    left_over[factor] = [
        procrustes(found_maps[one].numpy(), found_maps[other].numpy())[2]
        for one, other in ((0, 1), (0, 2), (1, 2))
    ]
    well = min(label_agreement(points, labels) for points in found_maps)
    print(
        "p times {:2d} at first: left over {:.2f}, {:.2f}, {:.2f},".format(
            factor, *left_over[factor]
        ),
        f"at least {well:.0%} sorted",
    )

# %% [markdown]
# The weaker the pull, the more the places differ, for each pair of seeds, and the groups stay as well sorted. So the same place twice may come from the method.

# %% claim="scikit-learn, perplexity 30: the same places; perplexity 5, or a weaker pull: the same groups in other places"
narrowly = [*twice[5], tsne(digits, perplexity=5, init="random", seed=2, steps=500)]
misfits = [
    procrustes(narrowly[one].numpy(), narrowly[other].numpy())[2]
    for one, other in ((0, 1), (0, 2), (1, 2))
]
assert max(left_over[12]) < 0.09
assert not max(misfits) < 0.09
assert min(misfits) > 0.3
for groups_of in (narrowly, *pulls.values()):
    assert min(label_agreement(points, labels) for points in groups_of) > 0.85
assert not max(left_over[4]) < 0.09
assert not max(left_over[1]) < 0.09
assert min(left_over[1]) > 1.3 * max(left_over[4])
assert min(left_over[4]) > 1.5 * max(left_over[12])

# %% [markdown]
# Where places are luck, can the start help? Our `tsne` starts from PCA unless you say otherwise. Test it on data whose truth you know: 400 points on a ring, and a small perplexity.

# %%
# a ring: the truth, two random starts, and the start from PCA
angle = 2 * math.pi * torch.arange(400) / 400
noise = 0.01 * torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
ring = torch.stack([angle.cos(), angle.sin()], 1) + noise
starts = {"the truth": ring}
for seed in (0, 1):
    starts[f"random start, seed {seed}"] = tsne(
        ring, perplexity=5, init="random", seed=seed, steps=500
    )
starts["start from PCA"] = tsne(ring, perplexity=5, steps=500)
show_points(starts, torch.arange(400) // 40, columns=4, width=10)

# %% [markdown]
# From random places the ring is torn and knotted; from PCA it stays one curve, bent, with all parts in their order. This test is easy: the ring lies in a plane, so the start from PCA is already the right map, and t-SNE only has to keep it. (Of our photos, the plane holds a tenth.) Kobak and Linderman (2021) show this for a ring and for maps of cells, with t-SNE and with UMAP, a newer method of the same kind: the start decides how much of the large shape is kept. It is no guarantee:
# at the end of the lesson you will compare both starts for our 37 things.


# %% claim="ring: the start from PCA keeps more of the distances than random ones, for two rings"
def kept_distances(space, points):
    over = torch.triu_indices(len(space), len(space), 1)
    ranked = [
        l2_distances(x)[over[0], over[1]].argsort().argsort().float() for x in (space, points)
    ]
    return torch.corrcoef(torch.stack(ranked))[0, 1].item()


other_noise = 0.01 * torch.randn(400, 2, generator=torch.Generator().manual_seed(1))
other_ring = ring - noise + other_noise
ways = (("random", 0), ("random", 1), ("pca", 0))
other_maps = [tsne(other_ring, perplexity=5, init=how, seed=k, steps=500) for how, k in ways]
for circle, three in ((ring, list(starts.values())[1:]), (other_ring, other_maps)):
    *knotted, ordered = (kept_distances(circle, one) for one in three)
    assert ordered > 1.25 * max(knotted)
    turned_ring = pca(circle, k=2).project(circle)  # the ring itself
    assert kept_distances(circle, turned_ring) > 0.99
    assert not max(knotted) > 0.99

# %% [markdown]
# ## On a grid
#
# Pictures on a plane overlap. On a grid each has its own cell, and nothing is hidden. Which point gets which cell? Let `cost[i, c]` be the squared distance from point $i$ to cell $c$. Then the question is: give each point its own cell so that the **sum** of the costs is as
# small as possible.

# %% [markdown] notes="1" minutes=6
# Run the stub and count how many pictures lie in one cell.

# %% [markdown] exercise="04.6" title="Spot the bug: two in one cell" points=2 difficulty=2 importance=2 minutes=6 own="course_utils.activations:grid_cells"
# The first idea is below. Run it, read what `check` says, and repair it with `linear_sum_assignment(cost)` from SciPy (imported above). It takes an array and returns two arrays: the rows, and for each row its column.


# %% exercise="04.6"
def place(cost):
    """A cell of its own for each point, with the smallest sum of costs.

    cost: (N, M), M >= N; cost[i, c] is the price of putting point i into cell c
    returns: (N,) the cell of each point, all different
    """
    ### BEGIN SOLUTION
    _, cells = linear_sum_assignment(cost.numpy())
    return torch.from_numpy(cells)
    ### END SOLUTION
    ### BEGIN STUB
    # return cost.argmin(dim=1)
    ### END STUB


check("04.6", place)

# %% [markdown] fold="Hint"
# `cost.numpy()` makes the array. You need the second of the two results, as a tensor: `torch.from_numpy(...)`.

# %% [markdown] solution="04.6"
# To go through the points and give each the nearest *free* cell is not enough: the first ones choose well, and the last ones go to the other end of the grid. The assignment problem looks at all of them together, and has an exact solution in about $N^3$ steps.

# %% picture="04.6"
# your assignment on the 400 digits
points = maps[names[0]]
points = (points - points.amin(0)) / (points.amax(0) - points.amin(0))
row, column = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
cells = torch.stack([row.flatten(), column.flatten()], 1)
centers = torch.stack([(cells[:, 1] + 0.5) / 20, 1 - (cells[:, 0] + 0.5) / 20], 1)
chosen = place(torch.cdist(points, centers).square())
show_grid(1 - digits.view(-1, 8, 8), cells[chosen], side=16, width=6)

# %% [markdown]
# The first picture of this lesson was made like this (`grid_cells`). Nothing overlaps now, but the gaps are gone: groups that were apart on the map touch.

# %% claim="each of the 400 digits has a cell of its own, so no gap is left; with the nearest cell for each, many cells are empty"
assert len({tuple(cell) for cell in cells[chosen].tolist()}) == len(cells) == 400
assert not torch.cdist(points, centers).argmin(1).unique().numel() > 300

# %% [markdown]
# ## Explore
#
# Click on a picture of the map. (To be quick, it has only 111: each thing whole, cropped, and with false colors.) On the right are its nearest ones in the full space. Do they also lie nearest on the map? Look at PCA as well, and at another perplexity. (A neighbor at distance 0 is the double of a gray photo.)

# %%
# a map of pictures, and the neighbors before it was made flat
explorers.FeatureSpace(net)

# %% [markdown]
# ## What this picture does not show
#
# Make data whose truth you know. **First:** three groups, one narrow, one wide, one very far away. The two numbers above each panel: the size of the wide group divided by that of the narrow one; and the distance narrow to far divided by the distance narrow to wide.

# %% [markdown] notes="1" minutes=8
# The truth first, then the map. Ask what is wrong with the sizes and with the distances before you read the text. At
# the end go back to the regions that people wrote down, and to the pictures five cells apart.

# %%
# the truth, a map, one width for all points in place of one for each, and a large perplexity
generator = torch.Generator().manual_seed(0)
group = torch.arange(3).repeat_interleave(80)
centers = torch.tensor([[0.0, 0.0], [9.0, 0.0], [30.0, 25.0]])
width = torch.tensor([0.3, 2.0, 1.0])
blobs = centers[group] + width[group, None] * torch.randn(240, 2, generator=generator)


def one_width_tsne(x, sigma=1.0):
    """Your t-SNE, but every point has the same width: no search."""
    weights = torch.exp(-l2_distances(x).square() / (2 * sigma**2)).fill_diagonal_(0)
    p = activations.joint(weights / weights.sum(1, keepdim=True))
    y = 1e-4 * pca(x, k=2).project(x) / x.std()
    velocity = torch.zeros_like(y)
    for step in range(500):
        exaggeration, momentum = (4, 0.5) if step < 100 else (1, 0.8)
        velocity = momentum * velocity - 200 * activations.kl_gradient(exaggeration * p, y)
        y = y + velocity
    return y


def two_ratios(placed):
    """Wide group to narrow group; distance of the far group to distance of the wide one."""
    middles = torch.stack([placed[group == k].mean(0) for k in range(3)])
    wide_as = [(placed[group == k] - middles[k]).norm(dim=1).mean() for k in (0, 1)]
    away = [(middles[k] - middles[0]).norm() for k in (1, 2)]
    return (wide_as[1] / wide_as[0]).item(), (away[1] / away[0]).item()


blob_maps = {
    "the truth": blobs,
    "perplexity 30": tsne(blobs, perplexity=30),
    "one width": one_width_tsne(blobs),
    "perplexity 120": tsne(blobs, perplexity=120),
}
titled = {
    "{}: {:.1f} and {:.1f}".format(name, *two_ratios(points)): points
    for name, points in blob_maps.items()
}
show_points(titled, group, names=["narrow", "wide", "far away"], columns=4, width=11)

# %% [markdown]
# On the map of perplexity 30 both numbers are about 1: no neighbor tells a point how far away the third group lies. And the sizes? t-SNE gives each point its own width $\sigma_i$; but with *one* for all, 6 becomes less than 2 already. Do own widths do the rest, or scikit-learn's other steps? Try `two_ratios(plain_tsne(blobs))`: the loop of the third panel, with own widths.
# With perplexity 120, half of all points, much of the distances is back, not the sizes. But two groups became hollow rings, and the truth has none: a shape may be made by the method. (And is the far group of the second panel one heap?)


# %% claim="three groups: the widths and distances of the truth are gone on the map, for two draws; PCA keeps them; one width keeps a little of the widths, a large perplexity much of the distances, and makes rings"
for draw in (0, 1):
    scatter = torch.randn(240, 2, generator=torch.Generator().manual_seed(draw))
    known_blobs = centers[group] + width[group, None] * scatter
    honest = pca(known_blobs, k=2).project(known_blobs)
    for shown_as in (known_blobs, honest):
        assert two_ratios(shown_as)[0] > 4
        assert two_ratios(shown_as)[1] > 3
    on_the_map = two_ratios(tsne(known_blobs, steps=500))
    assert not on_the_map[0] > 4
    assert not on_the_map[1] > 3
    assert max(on_the_map) < 2
    by_one_width = two_ratios(one_width_tsne(known_blobs))
    assert 1.25 * on_the_map[0] < by_one_width[0] < 0.5 * two_ratios(known_blobs)[0]
    assert by_one_width[1] < 2
    for other_sigma in (0.5, 2.0):
        assert 1.3 < two_ratios(one_width_tsne(known_blobs, other_sigma))[0] < 3
    by_many = two_ratios(tsne(known_blobs, perplexity=120))
    assert by_many[1] > 2.2
    assert not by_many[0] > 4
assert two_ratios(blob_maps["one width"])[0] < 2


def share_inside(placed, k):
    """The share of a group that lies nearer to its middle than half of the mean distance: 0 in a ring."""
    to_middle = (placed[group == k] - placed[group == k].mean(0)).norm(dim=1)
    return (to_middle < 0.5 * to_middle.mean()).float().mean().item()


for hollow in (0, 2):
    assert share_inside(blob_maps["perplexity 120"], hollow) < 0.04
    assert not share_inside(blobs, hollow) < 0.04

# %% [markdown]
# **Second:** no groups at all, points of pure chance in 50 dimensions. Beside them, points of chance on the plane itself.

# %%
# noise: two maps of it, and points that were thrown on the plane
noise_in_50 = torch.randn(240, 50, generator=generator)
clumps = {f"noise, perplexity {p}": tsne(noise_in_50, perplexity=p) for p in (2, 30)}
clumps["thrown on the plane"] = torch.rand(240, 2, generator=generator)
show_points(clumps, torch.zeros(240, dtype=torch.int64))

# %% [markdown]
# With a small perplexity even noise has crumbs that look like groups. With 30 the points lie about as evenly as points of chance do. (Those have crumbs, too, but looser ones than perplexity 2.)


# %% claim="noise with perplexity 2 clumps more than chance does, with 30 it does not; for two draws"
def near_over_tenth(points):
    gaps = l2_distances(points).sort(dim=1).values
    return (gaps[:, 1] / gaps[:, 10]).median().item()


for draw in (0, 1):
    throw = torch.Generator().manual_seed(draw)
    chance, thrown = torch.randn(240, 50, generator=throw), torch.rand(240, 2, generator=throw)
    by_chance = near_over_tenth(thrown)
    assert near_over_tenth(tsne(chance, perplexity=2, steps=500)) < 0.8 * by_chance
    assert not near_over_tenth(tsne(chance, perplexity=30, steps=500)) < 0.8 * by_chance

# %% [markdown]
# **Third:** the map of the beginning, with its regions. Now you can test them, because you have the space itself. Take the 37 things, each as the mean of its copies, and ask three questions. Do things that lie far apart on a map also lie far apart in the space? (A rank correlation of 1 would mean "always", 0 "by chance".) Is the nearest thing on the map one of the three that are nearest in
# the space? And is it of the same kind? Write your own `kinds` if you like. (The first line shows why the space is asked with both scales, as above: by plain distance it has a hub.)

# %%
# what the places of the 37 things say
kinds = {
    "animals": "bull_mastiff dalmatian cat goose bald_eagle spoonbill leafhopper dung_beetle",
    "vehicles": "jeep jeep_blue motorcycle rocket cannon",
    "textures": "brick grass gravel coins text page hubble prayer_rug",
}
kind_of = torch.tensor(
    [
        sum(n * (name in each.split()) for n, each in enumerate(kinds.values(), 1))
        for name in crops.names
    ]
)
upper = torch.triu_indices(37, 37, 1)


def between_things(points):
    """All distances between the means of the 37 things."""
    return l2_distances(torch.stack([points[crops.objects == k].mean(0) for k in range(37)]))


def by_both_scales(table):
    """Distances divided by the scales of both things: how far the third neighbor lies."""
    scales = table.sort(dim=1).values[:, 3]
    return table / (scales[:, None] * scales).sqrt()


in_space = between_things(features)


def what_is_kept(table):
    """Rank correlation of distances; things with a true neighbor beside them; and with their own kind."""
    order = spearmanr(table[upper[0], upper[1]], in_space[upper[0], upper[1]])[0]
    beside = nearest(table, 1, exclude_self=True)[0]
    partners = nearest(by_both_scales(in_space), 3, exclude_self=True)[0]
    same_kind = (kind_of > 0) & (kind_of[beside[:, 0]] == kind_of)
    return order, (partners == beside).any(1).sum().item(), same_kind.sum().item()


counted = nearest(in_space, 1, exclude_self=True)[0].flatten().bincount()
print(f"{crops.names[counted.argmax()]} is the nearest of {counted.max()} things")
started = {"t-SNE": flat}
for seed in (0, 1):
    started[f"random start {seed}"] = tsne(features, perplexity=8, init="random", seed=seed)
tables = {"space, plain": in_space, "space, both scales": by_both_scales(in_space)}
tables |= {name: between_things(points) for name, points in started.items()}
for name, points in started.items():
    tables[f"grid of {name}"] = between_things(grid_cells(points, columns=18).float())
tables["plane of PCA"] = between_things(planes["features"])
tables["perplexity 3"] = between_things(tsne(features, perplexity=3))
kept_by = {name: what_is_kept(table) for name, table in tables.items()}
orders = [torch.randperm(37, generator=torch.Generator().manual_seed(k)) for k in range(100)]
by_luck = [what_is_kept(tables["t-SNE"][order][:, order]) for order in orders]
kept_by["by chance, mean"] = torch.tensor(by_luck).mean(0).tolist()
kept_by["  5 of 100 reach"] = torch.tensor(by_luck).quantile(0.95, dim=0).tolist()
of_a_kind = (kind_of > 0).sum()
for name, (far, beside, alike) in kept_by.items():
    print(
        f"{name:23s} distances {far:5.2f}, a true neighbor {beside:2.0f} of 37, own kind {alike:2.0f} of {of_a_kind}"
    )

# %% [markdown]
# The distances: far from 1 for every map, PCA's too. In these runs the start from PCA keeps hardly more of them than random starts. The neighbors: on the map about two thirds of the things have a true one beside them, from each start. (For the digits with perplexity 5, what lies beside what was luck. Here it is more, so test it.) A grid keeps fewer, PCA's plane few, perplexity 3 none beyond chance. No wonder: with five copies of each picture, three neighbors leave hardly a say to other things.
#
# And the regions? In the space, asked with both scales, most of the animals, vehicles and textures have one of their kind nearest, and on the maps somewhat fewer. On the grid of the beginning hardly more than by chance. This question is a strict one: it asks for one nearest thing, not for a region. So we counted how often two textures touch on that grid: at least as often as for 95 of 100 shuffled labels. But six of the eight textures are gray photos. Whether they touch as textures or as gray pictures, the count cannot say. Do your own kinds have such a second property? So do not believe a region because it looks like one: go back to the map before the grid, to other starts, and to the space. On a t-SNE map,
#
# - **means something:** that points lie together in a group, if it stays so for other perplexities and seeds;
# - **may mean something:** which group is next to which;
# - **may mean nothing:** the size of a group, the distance between groups, the empty space. Wattenberg, Viégas and Johnson (2016) put it like this: sizes of clusters mean nothing, distances between clusters *might* not mean anything;
# - **means nothing of its own:** the axes, left and right, up and down: a turned map is as good.
#
# For distances use the space itself, as in lesson 03, and look for its hubs.

# %% claim="the space has a hub; on three maps, not on grids, PCA's plane or with perplexity 3, most have a true neighbor and their kind beside them; no map keeps all distances; on the first grid textures touch more often than by chance; six of the eight are gray"
three_maps, three_grids = ([kept_by[lead + one] for one in started] for lead in ("", "grid of "))
assert counted.max() > 20
assert (
    not nearest(tables["space, both scales"], 1, exclude_self=True)[0].flatten().bincount().max()
    > 8
)
assert min(known[1] for known in three_maps) > 20
for few_kept in ("plane of PCA", "perplexity 3", "grid of t-SNE", "by chance, mean"):
    assert not kept_by[few_kept][1] > 16
assert sum(known[1] for known in three_grids) < 0.75 * sum(known[1] for known in three_maps)
assert kept_by["plane of PCA"][1] < 0.6 * min(known[1] for known in three_maps)
assert kept_by["by chance, mean"][1] < 4
assert kept_by["perplexity 3"][1] < 6
assert kept_by["space, both scales"][2] > 15
assert kept_by["by chance, mean"][2] < 4.5
assert kept_by["  5 of 100 reach"][2] < 10
assert min(known[2] for known in three_maps) > 11
assert not kept_by["grid of t-SNE"][2] > 9
cells_of = {
    tuple(cell): k
    for cell, k in zip(grid_cells(flat, columns=18).tolist(), crops.objects.tolist(), strict=True)
}
touching = torch.tensor(
    [
        (one, cells_of[y + dy, x + dx])
        for (y, x), one in cells_of.items()
        for dy, dx in ((0, 1), (1, 0))
        if cells_of.get((y + dy, x + dx), one) != one
    ]
)


def of_textures(kinds_of):
    return (kinds_of[touching] == 3).all(1).sum().item()


doubles = (six_each[:, 0] - six_each[:, 5]).abs().amax(1) < 0.01  # the gray photos
assert doubles[kind_of == 3].sum() > 5
assert not doubles[kind_of != 3].sum() > 5
assert doubles.sum() == 7

chance_borders = [of_textures(kind_of[order]) for order in orders]
assert of_textures(kind_of) >= sorted(chance_borders)[94]
assert not of_textures(kind_of.roll(2)) >= sorted(chance_borders)[94]
for turned_by in (5, 11):  # kinds of other things
    other_kinds = kind_of.roll(turned_by)
    next_on_map = nearest(tables["t-SNE"], 1, exclude_self=True)[0][:, 0]
    assert not ((other_kinds > 0) & (other_kinds[next_on_map] == other_kinds)).sum() > 11
assert max(known[0] for name_of, known in kept_by.items() if "space" not in name_of) < 0.7
assert kept_by["by chance, mean"][0] < 0.1
assert min(known[0] for known in three_maps) > 0.25
assert not three_maps[0][0] > 1.25 * max(three_maps[1][0], three_maps[2][0])
for narrow_seed in (0, 1):
    crumbled = tsne(features, perplexity=3, init="random", seed=narrow_seed)
    assert not what_is_kept(between_things(crumbled))[1] > 9

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time. Then go back to the question of the beginning: five cells further, is it
# less alike?

# %%
# four questions, with an explanation for every answer
quiz("04")

# %% [markdown]
# ## Summary
#
# - PCA: center, SVD, project. $S_k^2/(N-1)$ is the variance along direction $k$; a direction has no sign. Look at what a direction is: the first one may be brightness.
# - t-SNE: a width for each point, so that $2^H$ is the perplexity; one symmetric table; forces that make the divergence from the map's table small; a heavy tail that makes room.
# - A map can be better sorted than its space: late directions may hold what you do not ask for, and hubs are near to everything. Hubs are in spaces of features, too.
# - Features sort moved and cropped photos (a part of this needs no learning: lesson 03); pixels sort centered digits. Ask what should count as the same.
# - A t-SNE map shows neighborhoods. Sizes of groups and distances between them may mean nothing; the axes mean nothing of their own. A grid shows fewer neighborhoods. Run other perplexities and seeds, turn the maps, and ask the space.
#
# **Papers.** van der Maaten, Hinton: *Visualizing Data using t-SNE*, JMLR 2008. Hinton, Roweis: *Stochastic Neighbor Embedding*, NeurIPS 2002. van der Maaten: *Accelerating t-SNE using Tree-Based Algorithms*, JMLR 2014 (Barnes-Hut). Radovanović, Nanopoulos, Ivanović: *Hubs in Space*, JMLR 2010. Zelnik-Manor, Perona: *Self-Tuning Spectral Clustering*, NeurIPS 2004. Schnitzer, Flexer, Schedl, Widmer: *Local and Global Scaling Reduce Hubs in Space*, JMLR 2012. Wattenberg, Viégas, Johnson: *How to Use t-SNE Effectively*, Distill 2016. Kobak, Linderman: *Initialization is critical for preserving global data structure in both t-SNE and UMAP*, Nature Biotechnology 2021. Karpathy: *t-SNE visualization of CNN codes*, 2014 (the map of pictures on a grid).
