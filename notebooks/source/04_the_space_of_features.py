# %% [markdown] lesson="04" title="The space of features: PCA, t-SNE, and a map of pictures" minutes=75 needs="03"
# You will be able to: find the main directions of a cloud of points by the SVD; build the affinities of t-SNE; draw pictures on a plane and on a grid; and say
# which properties of such a map mean something and which mean nothing.

# %% tags=["setup"]
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.datasets import load_digits

from course_utils import check, explorers, load_network, quiz
from course_utils.activations import grid_cells, label_agreement, pca, tsne, vectors
from course_utils.figures import show_grid, show_map, show_points, show_scree
from course_utils.images import resize
from course_utils.stimuli import crop_set

# %%
# the result first: 222 pictures of 37 things, laid out by a network that was told nothing about them
net = load_network("efficientnet_lite0")
crops = crop_set(size=128)
features = vectors(net, crops.images)
flat = tsne(features, perplexity=8)
show_grid(crops.images, grid_cells(flat, columns=18), side=40, width=9)

# %% [markdown]
# Each photo is there six times: whole, moved left, moved right, mirrored, cropped, and with false colors. The copies were given to the program in one heap. It has put them together, and between the
# groups there are regions: where are the animals? The vehicles? The textures?

# %% [markdown] notes="1" minutes=5
# Let people find regions before you explain anything. Then ask: if the picture lies 5 cells further, is it less alike? Keep the answers for the end.

# %% [markdown]
# ## The idea
#
# A picture is a point in a space of 1280 features. You cannot see 1280 dimensions, so you need a **map**: two numbers for each point. Two ways, with different promises:
#
# - **PCA** looks along the directions in which the cloud is widest. It is a projection, a shadow of the cloud: linear, always the same, and distances on the map are never larger than the true ones.
# - **t-SNE** moves points on the plane until each has its true neighbors around it. It gives up everything else: the scale, the axes, the distances between groups.

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

# %% [markdown] notes="1" minutes=13
# The three points on paper first. Type the SVD without subtracting the mean, and look at what `check` says. In the
# scree plot ask how much a plane can show.

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
# your PCA of the features: every picture at its place
show_map(crops.images[::2], pca_coordinates(features, 2)[::2], size=0.075, width=7)

# %% [markdown] solution="04.1"
# The covariance matrix would have $1280 \times 1280$ entries, and for pixels $49\,152 \times 49\,152$. The SVD of the centered table never builds it.

# %% [markdown]
# How many directions does one need? The **scree plot** shows the variance of each.

# %%
# pixels against features: how much of the variance the first directions hold
pixels = vectors(None, crops.images, space="pixels")
show_scree({"pixels": pca(pixels).ratio, "features": pca(features).ratio}, title="222 pictures")

# %% [markdown]
# The first direction alone holds about a fifth of the variance of the *pixels*: it is mostly "light or dark". The features spread over many directions,
# none of which dominates; a plane shows only a tenth of them. So a map by projection is honest but crowded, and things that are far apart in 1280 dimensions can fall on
# the same spot.

# %% [markdown]
# ## t-SNE: neighbors first
#
# Turn distances into a question: *if point $i$ had to choose one neighbor, which one would it take?* Near points are likely, far points are not:
#
# $$p_{j|i} = \frac{\exp(-\beta_i\,|x_i - x_j|^2)}{\sum_{l \ne i}\exp(-\beta_i\,|x_i-x_l|^2)}, \qquad p_{i|i} = 0 .$$
#
# $\beta_i$ says how fast the likelihood falls with the distance. It is chosen for each point by itself, so that the point has a wanted number of neighbors. "Number of neighbors" needs a meaning when the weights are unequal: the **perplexity**
#
# $$\mathrm{Perp}(p) = 2^{H(p)}, \qquad H(p) = -\sum_j p_j \log_2 p_j .$$
#
# In the head: four neighbors with $\frac14$ each have $H = 2$, so the perplexity is $4$. Two with $\frac12$ each: $2$. One with probability 1: $1$.

# %% [markdown] notes="1" minutes=24
# The longest section. Type 04.2 with the room; for 04.3 draw the bisection on the board and give it to them, or catch
# up. t-SNE runs for some seconds.

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
# the table of $p_{j|i}$.


# %% exercise="04.3"
def affinities(squares, perplexity):
    """The conditional affinities of t-SNE.

    squares: (N, N) squared distances; perplexity: the wanted one, the same for all rows
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
        too_many = torch.special.entr(p).sum(1, keepdim=True).exp() > perplexity
        low, high = torch.where(too_many, middle, low), torch.where(too_many, high, middle)
    return p
    ### END SOLUTION


check("04.3", affinities)

# %% [markdown] fold="Hint"
# Do all rows at once: `low` and `high` of shape `(N, 1)`. Set the diagonal of the squared distances to infinity; then `exp(-inf) = 0` keeps each point from choosing itself. If the perplexity is too large, $\beta$ must grow: `low = middle`.

# %% [markdown] fold="I get: contains NaN"
# With a large $\beta$ all weights of a row become 0, and you divide 0 by 0. Take the smallest squared distance of each row away first: the nearest neighbor then has weight 1, and the $p$ do not change.

# %% [markdown]
# On the plane, t-SNE computes affinities $q_{ij}$ too, with another curve: $1/(1+d^2)$, a **Student t**. It falls slowly, so points that are only moderately alike may lie far apart. Then it moves the points until $q$ is as near as possible to $p$.

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

# %%
# scikit-learn does the moving: 222 pictures, by pixels and by features, one color for each of the 37 things
two = {"pixels": tsne(pixels, perplexity=8), "features": flat}
show_points(two, crops.objects)

# %% [markdown]
# By features, the six pictures of a thing form a small cluster, thing by thing. By pixels they are spread: what lies together is equally light or dark. A number for this is the share of points whose five nearest others mostly show the same thing:

# %%
# how well each space is sorted, before and after the map
for name, space in (("pixels", pixels), ("features", features)):
    plane = pca(space, k=2).project(space)
    own, shadow, near = (label_agreement(x, crops.objects) for x in (space, plane, two[name]))
    print(
        f"{name:9s} in their own space: {own:.0%},  on the plane of PCA: {shadow:.0%},  "
        f"on the map of t-SNE: {near:.0%}"
    )

# %% [markdown]
# ## Digits: who wins now?
#
# 400 handwritten digits, $8 \times 8$ pixels. Each is once a row of 64 pixels and once, enlarged, a row of 1280 features of the network that never saw a digit.
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
    f"{n}: {label_agreement(s, labels):.0%} sorted"
    for n, s in (("pixels", digits), ("features", digit_features))
]
maps = dict(zip(names, (tsne(digits, steps=500), tsne(digit_features, steps=500)), strict=True))
show_points(maps, labels, text=True)

# %% [markdown]
# The pixels win, and clearly. These digits are centered and of one size, so pixel distance compares stroke with stroke; it is the very case for which pixels are good. And the network has learned fur and wheels, not pen strokes. "Features are better" was true for photos that move about. Let the digits move, too:

# %%
# the same digits, each somewhere in a frame of twice the size
generator = torch.Generator().manual_seed(0)
shift = torch.randint(0, 9, (400, 2), generator=generator)
moved = torch.zeros(400, 16, 16)
for picture, digit, (down, right) in zip(moved, digits.view(-1, 8, 8), shift.tolist(), strict=True):
    picture[down : down + 8, right : right + 8] = digit
moved_features = vectors(net, resize(moved[:, None].repeat(1, 3, 1, 1), 128))
for name, space in (("pixels", moved.flatten(1)), ("features", moved_features)):
    print(f"moved digits, {name}: {label_agreement(space, labels):.0%} sorted")

# %% [markdown]
# Now the pixels fall far behind, and the features keep most of what they had. No space is best for everything: ask what should count as the same.

# %% [markdown] own="course_utils.activations:tsne"
# ## Perplexity and seeds

# %% [markdown] notes="1" minutes=6
# Show one perplexity at a time and ask: how many groups? Then two seeds, and ask what changed places.

# %%
# the same digits with four perplexities, one color for each digit
show_points(
    {f"perplexity {p}": tsne(digits, perplexity=p, steps=500) for p in (2, 10, 30, 120)},
    labels,
    columns=4,
    width=10,
)

# %% [markdown]
# A perplexity of 2 looks at two neighbors and tears groups into crumbs. With 120, more than a quarter of all points, the groups grow wide and begin to touch. They are there for a wide range between. Try several before you believe in one.
#
# **Predict, run, explain.** Below are two maps of the same digits, with random starts and the seeds 0 and 1. Which will be the same in both: the groups, their places, both, or none?

# %%
# two seeds
show_points(
    {f"seed {seed}": tsne(digits, init="random", seed=seed, steps=500) for seed in (0, 1)},
    labels,
    text=True,
)

# %% [markdown]
# The groups are the same, their places are not: which group lies beside which is partly luck. (With `init="pca"`, our standard, the start is the same each time, and the groups begin where PCA puts them. Kobak & Linderman, 2021, show that this keeps more of their true places.)

# %% [markdown]
# ## On a grid
#
# Pictures on a plane overlap. On a grid each has its own cell, and nothing is hidden. Which point gets which cell? Let `cost[i, c]` be the squared distance from point $i$ to cell $c$. Then the question is: give each point its own cell so that the **sum** of the costs is as
# small as possible.

# %% [markdown] notes="1" minutes=6
# Run the stub and count how many pictures lie in one cell.

# %% [markdown] exercise="04.5" title="Spot the bug: two in one cell" points=2 difficulty=2 importance=2 minutes=6 own="course_utils.activations:grid_cells"
# The first idea is below. Run it, read what `check` says, and repair it with `linear_sum_assignment(cost)` from SciPy (imported above). It takes an array and returns two arrays: the rows, and for each row its column.


# %% exercise="04.5"
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


check("04.5", place)

# %% [markdown] fold="Hint"
# `cost.numpy()` makes the array. You need the second of the two results, as a tensor: `torch.from_numpy(...)`.

# %% [markdown] solution="04.5"
# To go through the points and give each the nearest *free* cell is not enough: the first ones choose well, and the last ones go to the other end of the grid. The assignment problem looks at all of them together, and has an exact solution in about $N^3$ steps.

# %% picture="04.5"
# your assignment on the 400 digits
points = maps[names[0]]
points = (points - points.amin(0)) / (points.amax(0) - points.amin(0))
row, column = torch.meshgrid(torch.arange(20), torch.arange(20), indexing="ij")
cells = torch.stack([row.flatten(), column.flatten()], 1)
centers = torch.stack([(cells[:, 1] + 0.5) / 20, 1 - (cells[:, 0] + 0.5) / 20], 1)
chosen = place(torch.cdist(points, centers).square())
show_grid(1 - digits.view(-1, 8, 8), cells[chosen], side=16, width=6)

# %% [markdown]
# ## Explore
#
# Click on a picture of the map. On the right are its nearest ones in the full space. Do they also lie nearest on the map? Look at PCA as well, and at another perplexity.

# %%
# a map of pictures, and the neighbors before it was made flat
explorers.FeatureSpace(net)

# %% [markdown]
# ## What this picture does not show
#
# Make data whose truth you know. **First:** three groups, one narrow, one wide, one very far away.

# %% [markdown] notes="1" minutes=6
# The truth first, then the map. Ask what is wrong with the sizes and with the distances before you read the text.

# %%
# the truth on the left, the map on the right
generator = torch.Generator().manual_seed(0)
group = torch.arange(3).repeat_interleave(80)
centers = torch.tensor([[0.0, 0.0], [9.0, 0.0], [30.0, 25.0]])
width = torch.tensor([0.3, 2.0, 1.0])
blobs = centers[group] + width[group, None] * torch.randn(240, 2, generator=generator)
show_points(
    {"the truth": blobs, "t-SNE": tsne(blobs, perplexity=30)},
    group,
    names=["narrow", "wide", "far away"],
)

# %% [markdown]
# The narrow and the wide group have nearly the same size, and the far one is no longer far. t-SNE gives each point its own width, so it makes dense places wider and thin places narrower, and beyond the neighbors distances do not count.
#
# **Second:** no groups at all, points of pure chance in 50 dimensions.

# %%
# noise, with a small and a larger perplexity
noise = torch.randn(240, 50, generator=generator)
show_points(
    {f"noise, perplexity {p}": tsne(noise, perplexity=p) for p in (2, 30)},
    torch.zeros(240, dtype=torch.int64),
)

# %% [markdown]
# With a small perplexity even noise has crumbs that look like groups. So, on a t-SNE map,
#
# - **means something:** that points lie together in a group, if it stays so for other perplexities and seeds;
# - **may mean nothing:** the size of a group, the distance between groups, the empty space. The map alone cannot tell you. The axes mean nothing at all.
#
# For distances use the space itself, as in lesson 03; for a picture with honest distances, PCA. And color a map with what you know only *after* it was made.

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
# - PCA: center, SVD, project. $S_k^2/(N-1)$ is the variance along direction $k$; a direction has no sign.
# - t-SNE: affinities with a width for each point, found by bisection so that $2^H$ is the perplexity; a heavy tail on the map.
# - Features sort moved, cut and recolored photos; pixels sort centered digits. Ask what should count as the same.
# - A t-SNE map shows neighborhoods. Do not read sizes of groups and distances between them; the axes mean nothing.
#
# **Papers.** van der Maaten & Hinton: *Visualizing Data using t-SNE*, JMLR 2008. Wattenberg, Viégas, Johnson: *How to Use t-SNE Effectively*, Distill 2016. Kobak, Linderman: *Initialization is critical for preserving global data structure in both t-SNE and UMAP*, Nature Biotechnology 2021. Karpathy: *t-SNE visualization of CNN codes*, 2014 (the map of pictures on a grid).
