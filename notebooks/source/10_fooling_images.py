# %% [markdown] lesson="10" title="Fooling images: a change that nobody sees" minutes=70 needs="07"
# You will be able to: change a photo so that a network says any class you like, while you still see the same photo; say why tiny
# changes are enough; draw the change without the usual mistake; and test whether an attack survives a JPEG file, a crop, or
# another network.

# %% tags=["setup"]
import torch

from course_utils import check, explorers, labelled_photos, load_network, photo, quiz, show_images
from course_utils.gradients import fgsm, fool, fooled, magnify, pgd, survival
from course_utils.images import resize
from course_utils.plots import new_figure

# %%
# the result first: two photos that look the same, and what the network says
net = load_network("efficientnet_lite0")
eagle = photo("bald_eagle")
attacked = pgd(net, eagle, "toaster", eps=2 / 255, steps=10, targeted=True)
names = [f"{name}, {p:.1%}" for name, p in (net.predict(x)[0][0] for x in (eagle, attacked))]
show_images([eagle[0], attacked[0]], names)

# %% [markdown]
# No pixel of the right photo differs by more than 2 of 255 steps of brightness from the left one. You see a bald eagle, twice. The network
# sees a bald eagle, and a toaster. The change was computed with one gradient after the other. You will build it now.

# %% [markdown] notes="1" minutes=5
# Hide the titles first. Ask which of the two photos was changed, and let the room vote. Then show what the network says. Ask: is this a bug of
# this network? Come back to the answer at the end.

# %% [markdown]
# ## The idea
#
# In lesson 07 you asked: which pixels would change the score $S_c$ of a class, if they changed a little? The gradient $\nabla_x S_c$ answered. Now
# take the answer seriously and *make* the change. Choose a target class $t$, and climb its score:
#
# $$x \leftarrow x + \alpha\,\frac{g}{\lVert g\rVert_2}, \qquad g = \nabla_x S_t(x), \qquad \lVert g\rVert_2 = \sqrt{\textstyle\sum g^2}.$$
#
# The step has length $\alpha$ whatever the size of the gradient. After each step, cut the pixels off to $[0, 1]$, and stop as soon as $t$ has the
# largest score of all classes. The weights of the network stay as they are: training changes weights and keeps images, fooling does the
# opposite.

# %% [markdown] notes="1" minutes=4
# Take up saliency: there the gradient was looked at, here it is walked along.

# %% [markdown]
# ## In the head first: why is so little enough?
#
# A linear score of three pixels, $S = 2a - 3b + 0\,c$. You may change every pixel by at most $\varepsilon = 0.1$. Which change raises the score most, and
# by how much? *(Think, then run the cell.)*

# %% [markdown] notes="1" minutes=20
# Three pixels on paper. Then multiply: 150,528 times a hundredth times a hundredth. Type FGSM with the room; in 10.2
# ask for the stop before the step.

# %%
# the best change moves every pixel by eps in the direction of its own weight
weights, eps = torch.tensor([2.0, -3.0, 0.0]), 0.1
change = eps * weights.sign()
change, weights @ change, eps * weights.abs().sum()

# %% [markdown]
# The score rises by $\varepsilon\,(|2| + |-3| + |0|) = \varepsilon \lVert w\rVert_1$: exactly $\varepsilon$ times the sum of the sizes of all weights. Now count. A photo of $224 \times 224$ pixels
# in three colors has 150 528 numbers. If each weight is only 0.01 in size, and each number moves by only 0.01, the score rises by 15. Nobody sees a
# change of 0.01, but the network adds up 150 528 of them.

# %% [markdown] exercise="10.1" title="Build it: the fast gradient sign method" points=2 difficulty=2 importance=5 minutes=10 own="course_utils.gradients:fgsm"
# A deep network is not linear. Near the photo it almost is (that was the idea of lesson 07), so the best change moves every pixel by $\varepsilon$ in the direction of
# the sign of its gradient. Goodfellow et al. (2015) use it to *leave* a class: they climb the loss $L = -\log p_y$ of the right label $y$, in one step,
#
# $$x' = x + \varepsilon\,\mathrm{sign}\,\nabla_x L ,$$
#
# and cut off to $[0, 1]$. Write it for a batch. The signs of zeros do not matter.


# %% exercise="10.1"
def attack_in_one_step(net, images, labels, eps):
    """The fast gradient sign method: leave a class in one step.

    net: net(images) gives the scores (N, classes) before the softmax
    images: (N, 3, H, W) in [0, 1], labels: a list of N classes to leave, eps: a number
    returns: (N, 3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    pixels = images.detach().clone().requires_grad_()
    loss = torch.nn.functional.cross_entropy(net(pixels), torch.tensor(labels))
    (gradient,) = torch.autograd.grad(loss, pixels)
    return (images + eps * gradient.sign()).clamp(0, 1)
    ### END SOLUTION


check("10.1", attack_in_one_step)

# %% [markdown] fold="Hint"
# `torch.nn.functional.cross_entropy(scores, torch.tensor(labels))` is the loss: it contains the softmax and the logarithm. Take its gradient with respect to
# a copy of the images as in exercise 07.1, then `gradient.sign()`, and `.clamp(0, 1)` at the end.

# %% [markdown] fold="Think: cross_entropy takes the mean over the batch. Does it matter here?"
# The mean divides every gradient by the number of images. The sign does not change.

# %% picture="10.1"
# your attack on the eagle, with three radii
eagles = [attack_in_one_step(net, eagle, [22], e / 255) for e in (1, 4, 16)]
says = [f"{name}, {p:.0%}" for name, p in (net.predict(x)[0][0] for x in eagles)]
show_images(
    [x[0] for x in eagles], [f"eps {e}/255: {s}" for e, s in zip((1, 4, 16), says, strict=True)]
)

# %% [markdown] solution="10.1"
# `sign` forgets how strong each gradient is. That is the point: under the rule "no pixel may move by more than $\varepsilon$", a pixel with a weak gradient should
# still move by the whole $\varepsilon$, because that costs nothing.

# %% [markdown] exercise="10.2" title="Build it: climb until fooled" points=3 difficulty=3 importance=5 minutes=12 own="course_utils.gradients:fool"
# One step can leave a class. To *reach* a chosen class, take many. Write the loop of the idea above for one image: before each step, look at the scores;
# if the target class has the largest, stop. Otherwise take a step of length `lr` up the **score** of the target, and cut off to $[0, 1]$. At most `steps`
# steps.


# %% exercise="10.2"
def fool_image(net, image, target, lr, steps):
    """Climb the score of a class until the network says it.

    net: a network, image: (1, 3, H, W) in [0, 1], it must stay as it is
    target: one class index, lr: the length of a step, steps: at most so many
    returns: (1, 3, H, W) in [0, 1]
    """
    ### BEGIN SOLUTION
    x = image.detach().clone()
    for _ in range(steps):
        pixels = x.clone().requires_grad_()
        scores = net(pixels)
        if scores[0].argmax() == target:
            break
        (gradient,) = torch.autograd.grad(scores[0, target], pixels)
        x = (x + lr * gradient / gradient.norm()).clamp(0, 1)
    return x
    ### END SOLUTION


check("10.2", fool_image)

# %% [markdown] fold="Hint"
# In the loop: a copy that requires gradients, one forward pass. Its scores serve twice: for `scores[0].argmax() == target`, and for the gradient of
# `scores[0, target]`. `gradient.norm()` is the root of the sum of all squares.

# %% [markdown] fold="I get: it takes one step too many"
# You look at the scores of the image *before* the last step. Run the network on the present image first, then decide.

# %% picture="10.2"
# your loop: four photos, four classes chosen at will
wishes = {
    "dalmatian": "pizza",
    "jeep": "daisy",
    "yurt": "goldfish",
    "goose": "espresso",
}
before = [photo(name) for name in wishes]
after = [
    fool_image(net, x, net.class_index(w), 0.5, 50)
    for x, w in zip(before, wishes.values(), strict=True)
]
show_images(
    [x[0] for x in before + after],
    [f"{net.predict(x)[0][0][0]}" for x in before + after],
    columns=4,
)

# %% [markdown] solution="10.2"
# The score, not the probability: the probability of a class that the network finds impossible is about $10^{-6}$ or less, and so is its gradient. Dividing by the length
# would still rescue the direction, but the probability also rises when *other* scores fall; the score of the target speaks of the target alone.

# %% [markdown]
# ## How the network changes its mind
#
# `fool` does the same for a batch and keeps the probabilities on the way. Each photo gets another class as its target, drawn at random.
#
# **Predict, run, explain.** A photo goes from "bald eagle" to "pizza". The *first class* is the one that the network names before the first step. On the way, does its probability (a) fall
# slowly while the target rises slowly, (b) stay high for long and then fall quickly, (c) fall at once, with other classes in between? Write your answer down.

# %% [markdown] notes="1" minutes=7
# Votes for (a), (b), (c) before the cell. Follow one photo with the finger.

# %%
# ten photos, ten random targets: probability of the first class (gray) and of the target (orange)
photos, labels, _ = labelled_photos()
generator = torch.Generator().manual_seed(1)
targets = torch.randint(1000, (10,), generator=generator)
result = fool(net, photos[:10], targets, lr=0.25, steps=60)
figure, axes = new_figure(2, 5, aspect=0.75, sharex=True, sharey=True)
for ax, first, wanted, steps, name in zip(
    axes.flat, result.original, result.confidence, result.steps, targets.tolist(), strict=True
):
    ax.plot(first[: steps + 1], color="gray")
    ax.plot(wanted[: steps + 1], color="#d95f02")
    ax.set_title(f"{net.category(name)[:20]}: {int(steps)} steps", fontsize=8)
    ax.tick_params(labelsize=7)
figure.supxlabel("step", fontsize=9)
figure.supylabel("probability", fontsize=9)
figure

# %%
# how large is the change?
length = (result.images - photos[:10]).flatten(1).norm(dim=1)
print(f"fooled: {int(result.success.sum())} of 10; steps until fooled: {result.steps.tolist()}")
whole = photos[:10].flatten(1).norm(dim=1).mean()
print(f"length of the change: {length.min():.1f} to {length.max():.1f}; of a photo: {whole:.0f}")

# %% [markdown]
# All three happen. The most frequent is (b): for some steps the target stays near 0, because it starts far below a thousandth; then the two lines cross within two or three steps. On other photos
# the first class falls step by step. Where both lines are low for a while, a third class is on top on the way. The whole change, as a list of numbers, is less than a hundredth as long as the photo.

# %% [markdown]
# ## Many small steps: PGD
#
# The loop above has no limit for a single pixel. **Projected gradient descent** (PGD; Madry et al., 2018) takes the sign steps of FGSM, many of them, small, and after every
# step goes back to the nearest point that is allowed: each pixel at most $\varepsilon$ away from the photo, and in $[0, 1]$. Going to the nearest allowed point is called
# **projection**.

# %% [markdown] notes="1" minutes=12
# Draw the square around the photo and a step that leaves it: go back to the nearest point. Votes for one step against
# ten.

# %%
# the projection of a change on [-eps, eps], pixel by pixel
torch.tensor([0.02, -0.30, 0.11]).clamp(-0.1, 0.1)

# %% [markdown] exercise="10.3" title="Build it: one step of PGD" points=2 difficulty=2 importance=4 minutes=8 own="course_utils.gradients:pgd course_utils.gradients:project"
# The gradient is given; it already points to where you want to go. Make one step of `alpha` times its sign from the present images, cut the change *from the clean
# photos* to $[-\varepsilon, \varepsilon]$, and then the images to $[0, 1]$.


# %% exercise="10.3"
def pgd_step(images, clean, gradient, alpha, eps):
    """One step of projected gradient descent.

    images: the present images (N, 3, H, W), clean: the photos they came from
    gradient: (N, 3, H, W), the direction to go; alpha: length of the step of each pixel; eps: radius
    returns: (N, 3, H, W) in [0, 1], nowhere more than eps away from clean
    """
    ### BEGIN SOLUTION
    change = images + alpha * gradient.sign() - clean
    return (clean + change.clamp(-eps, eps)).clamp(0, 1)
    ### END SOLUTION


check("10.3", pgd_step)

# %% [markdown] fold="Hint"
# Three lines: where the step leads; its difference from `clean`, cut off; `clean` plus that, cut off to 0 and 1.

# %% picture="10.3"
# your step, ten times: toward "pizza", at most 4/255 per pixel
x = photo("dalmatian")
clean = x.clone()
for _ in range(10):
    pixels = x.clone().requires_grad_()
    log_p = net(pixels).log_softmax(1)[0, net.class_index("pizza")]
    x = pgd_step(x, clean, torch.autograd.grad(log_p, pixels)[0], 1 / 255, 4 / 255)
show_images(
    [clean[0], x[0]], [f"{name}, {p:.1%}" for name, p in (net.predict(i)[0][0] for i in (clean, x))]
)

# %% [markdown]
# **Predict, run, explain.** One step of FGSM and ten steps of PGD, both with the same $\varepsilon$, both *toward* a random target class. Twenty photos. How often will each
# reach its target?

# %%
# one step against ten, the same eps, random targets
targets = torch.randint(1000, (20,), generator=generator)
one = fgsm(net, photos, targets, eps=8 / 255, targeted=True)
ten = pgd(net, photos, targets, eps=8 / 255, steps=10, targeted=True)
print(f"FGSM, one step:  {int(fooled(net, one, targets).sum())} of 20 reach the target")
print(f"PGD, ten steps:  {int(fooled(net, ten, targets).sum())} of 20 reach the target")
largest = [(x - photos).abs().max() * 255 for x in (one, ten)]
print(f"largest change of a pixel: {largest[0]:.1f} and {largest[1]:.1f} of 255")

# %% [markdown]
# Both may move every pixel equally far. The gradient at the photo is right for a short way only: a single long step ends at a place where the score is another
# one than the straight line promised. Ten short steps look again each time.

# %% [markdown] fold="Think: FGSM often makes a network leave the right class. Why is reaching a chosen class harder?"
# There are 999 ways to be wrong and one way to be "pizza". Wherever the long step ends, some other class may well be on top.

# %% [markdown]
# ## Spot the bug: how to draw a change
#
# The change is too small to see, so everybody magnifies it. The lines below do it as one would draw an image: they add the mean color of ImageNet, here to the
# picture of a *difference*.

# %% [markdown] notes="1" minutes=6
# Run the stub on two equal pictures: what color should nothing have?

# %% [markdown] exercise="10.4" title="Spot the bug: the picture of a change" points=1 difficulty=2 importance=3 minutes=6 own="course_utils.gradients:magnify"
# Return the picture of the change `after - before`, magnified by `factor`: 0.5 (gray) where nothing changes, brighter for more, darker for less, cut off to
# $[0, 1]$.


# %% exercise="10.4"
def magnified(before, after, factor):
    """The magnified change as a picture.

    before, after: (1, 3, H, W) in [0, 1]; factor: a number such as 10
    returns: (1, 3, H, W) in [0, 1], 0.5 where nothing changes
    """
    ### BEGIN SOLUTION
    return (0.5 + factor * (after - before)).clamp(0, 1)
    ### END SOLUTION
    ### BEGIN STUB
    # mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    # std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    # difference = after - before
    # return factor * (difference * std + mean)
    ### END STUB


check("10.4", magnified)

# %% [markdown] fold="Hint"
# What comes out where `after` equals `before`? It should be 0.5 in all three colors. And which values does `clamp` keep?

# %% picture="10.4"
# your picture of a change
espresso = fool(net, photo("goose"), "espresso", lr=0.5).images
show_images(
    [photo("goose")[0], magnified(photo("goose"), espresso, 10)[0]], ["photo", "change, ten times"]
)

# %% [markdown] solution="10.4"
# `x * std + mean` turns a *normalized image* back into a photo. In a difference the mean has already canceled out, so adding it back makes everything bright, and
# then the factor of ten multiplies the mean as well: nearly all pixels are above 1.

# %%
# three attacks and their changes, magnified ten times
spoonbill = photo("spoonbill")
wish = "sports car"
attacks = {
    "climb until fooled": fool(net, spoonbill, wish, lr=0.5).images,
    "PGD, 2/255 per pixel": pgd(net, spoonbill, wish, eps=2 / 255, steps=10, targeted=True),
    "PGD, length 2 in all": pgd(net, spoonbill, wish, eps=2, steps=10, norm="l2", targeted=True),
}
rows = [x[0] for x in attacks.values()] + [magnify(x - spoonbill)[0] for x in attacks.values()]
names = [
    f"{how}:\n{name}, {p:.0%}"
    for how, (name, p) in ((h, net.predict(x)[0][0]) for h, x in attacks.items())
]
show_images(rows, [*names, *["its change, ten times"] * 3], columns=3)

# %% [markdown]
# There is no sports car in the change. With a limit for each pixel (middle), every pixel moves, the sky as much as the bird. Where only the length of the whole change counts (left and right), it
# is strongest where the gradient is strong: on and around the bird.

# %% [markdown]
# ## Does it survive?
#
# The attacked image is a tensor. A picture in the world is saved as a file, cropped, and seen by other networks. `survival` tries these, on the twenty images that PGD made
# above.
#
# **Predict, run, explain.** Order these four by how much they hurt the attack: rounding the pixels to whole numbers from 0 to 255; a JPEG file of quality 75; a crop to the
# middle 80 %; another network (EfficientNet-Lite1, a little larger, same training photos).

# %% [markdown] notes="1" minutes=6
# An order of the four from the room, on the board, before the cell.

# %%
# which share of the attacks still reaches the target?
other = load_network("efficientnet_lite1")
shares = survival(net, ten, targets, networks={"another network (Lite1)": other})
figure, axes = new_figure(width=6, aspect=0.45)
ax = axes[0, 0]
ax.barh(list(shares), list(shares.values()), color="#3b6ea5")
ax.invert_yaxis()
ax.set_xlim(0, 1)
ax.set_xlabel("share that still says the target class", fontsize=9)
ax.tick_params(labelsize=8)
figure

# %%
# reaching the target is one thing; does the other network still say the right class?
right = torch.tensor(labels)
for name, images in (("clean photos", photos), ("attacked photos", ten)):
    mine = (net(images).argmax(1) == right).float().mean()
    theirs = (other(resize(images, other.input_size)).argmax(1) == right).float().mean()
    print(f"{name}: attacked network {mine:.0%} right, the other network {theirs:.0%} right")

# %% [markdown]
# Rounding changes nothing, nor does a JPEG file of very high quality. Stronger compression and even a small crop undo most of the attacks. The other network almost never says the target class, and
# mostly sees what was there before. So this change fits one network. That is no safety: Liu et al. (2017) report that attacks on several networks at once reach others more often. We have not measured it here.

# %% [markdown]
# ## Explore
#
# Choose a photo, the class that the network should see, and ε. Ten steps of PGD run after every change.
#
# - What is the smallest ε that turns the eagle into a toaster? Into a vulture? Into a jeep?
# - Look at the change while you raise ε. Where in the photo is it?
# - Take a photo of your own. Is it harder or easier than the eagle?

# %%
# attack any photo toward any class
explorers.Fooling(net)

# %% [markdown]
# ## What this picture does not show
#
# It is tempting to say: "networks are so brittle that any small change fools them". Test it: a *random* change of the same size for every pixel.

# %% [markdown] notes="1" minutes=5
# Ask how large a random change must be to do the same. Guesses on the board.

# %%
# the sanity check: every pixel moves by the same eps, up or down at random
signs = torch.randint(0, 2, photos.shape, generator=generator) * 2.0 - 1
noisy = (photos + 8 / 255 * signs).clamp(0, 1)
clean_class = net(photos).argmax(1)
away = fgsm(net, photos, clean_class, eps=1 / 255)
for name, x in (("random change of 8/255", noisy), ("one step of FGSM, 1/255", away)):
    changed = int((net(x).argmax(1) != clean_class).sum())
    print(f"{name}: {changed} of 20 photos change their class")

# %%
# what the two changes look like, ten times
eagle_noise = (eagle + 8 / 255 * signs[:1]).clamp(0, 1)
show_images(
    [eagle_noise[0], magnify(eagle_noise - eagle)[0], attacked[0], magnify(attacked - eagle)[0]],
    [
        net.predict(eagle_noise)[0][0][0],
        "random change, 8/255",
        net.predict(attacked)[0][0][0],
        "change by PGD, 2/255",
    ],
    columns=4,
)

# %% [markdown]
# Random changes, eight times as large, change very few answers; the step along the signs of the gradient changes most. In 150 528 dimensions a random direction is almost at right angles to the gradient: its ups and downs cancel. The attack
# is dangerous because it *knows the direction*. So:
#
# - A fooling image shows that there are wrong answers very close to a photo. It does not show that you meet them by chance.
# - The change is not a picture of the target class. It shows directions in which this network's score rises, no more.
# - The probability of an attacked image ("pizza, 100 %") says how far the attack went on, not how much of a pizza is there.
# - Nothing here says that people are safe from such images; it says that these were not made with our gradient.

# %% [markdown]
# ## Quiz

# %% [markdown] notes="1" minutes=3
# By show of hands, one question at a time.

# %%
# four questions, with an explanation for every answer
quiz("10")

# %% [markdown]
# ## Summary
#
# - Fooling: gradient ascent on the *image*, for a class of your choice; stop when the network says it.
# - On a linear score the best change under $|\Delta x_i| \le \varepsilon$ is $\varepsilon\,\mathrm{sign}(w)$, and it raises the score by exactly $\varepsilon\lVert w\rVert_1$. High dimension makes it large.
# - FGSM: one step of the sign. PGD: many small ones, each projected back to the ball around the photo and to $[0, 1]$.
# - A difference is drawn around gray. Rounding, JPEG, crops and other networks are tests that an attack has to pass; random noise of the same size is the comparison.
#
# **Papers.** Szegedy et al.: *Intriguing Properties of Neural Networks*, ICLR 2014. Goodfellow, Shlens, Szegedy: *Explaining and Harnessing Adversarial Examples*, ICLR 2015.
# Nguyen, Yosinski, Clune: *Deep Neural Networks are Easily Fooled*, CVPR 2015. Madry et al.: *Towards Deep Learning Models Resistant to Adversarial Attacks*, ICLR 2018.
