# %% [markdown] lesson="10" title="Fooling images: a change that nobody sees" minutes=106 needs="07"
# You will be able to: change a photo so that a network says any class you like, while you still see the same photo; say why tiny
# changes are enough; draw the change without the usual mistake; test whether an attack survives a JPEG file, a crop, or
# another network; and train a patch that works on photos it has never seen.

# %% tags=["setup"]
import torch
from matplotlib.ticker import MaxNLocator

from course_utils import check, explorers, labelled_photos, load_network, photo, quiz, show_images
from course_utils.gradients import (
    Ensemble,
    fgsm,
    fool,
    fooled,
    magnify,
    pgd,
    random_places,
    stick_on,
    survival,
    transfer_table,
)
from course_utils.images import load_image, resize
from course_utils.places import data_file
from course_utils.plots import new_figure

# %%
# the result first: two photos that look the same, and what the network says
net = load_network("efficientnet_lite0")
eagle = photo("bald_eagle")
attacked = pgd(net, eagle, "toaster", eps=2 / 255, steps=10, targeted=True)
attacked = (attacked * 255).round() / 255  # as the screen shows it
names = [f"{name}, {p:.1%}" for name, p in (net.predict(x)[0][0] for x in (eagle, attacked))]
show_images([eagle[0], attacked[0]], names)

# %% [markdown]
# No pixel of the right photo differs by more than 2 of 255 steps of brightness from the left one. You see a bald eagle, twice. The network
# sees a bald eagle, and a toaster. The change was computed with one gradient after the other. You will build it now.
#
# The literature calls such an image an **adversarial example**. An attack that may use the network's gradient, as all attacks here, is **white-box**; one that may not is **black-box** (it asks for answers only, or it tries what was made for another network: you will do that, too). It is **targeted** if it wants one chosen class, and **untargeted** if any wrong class will do.

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
#
# Szegedy et al. (2014) reported such changes of photos for networks that were trained on ImageNet; they searched with another optimizer, L-BFGS. The loop above, which
# stops at the first success, is the one of an assignment of Stanford's course CS231n.

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
#
# Is a deep network anything like this? The 0.01 was invented. Measure it: the real weights are the gradient $g$ of the eagle's score for *toaster*, and the straight line promises a rise of $\varepsilon \lVert g\rVert_1$. Go along the signs of $g$, and along random signs.

# %%
# the score of "toaster" along two directions, and what the straight line promises
lengths = torch.linspace(0, 4, 33) / 255  # how far each pixel moves
line = eagle.clone().requires_grad_()
(slope,) = torch.autograd.grad(net(line)[0, net.class_index("toaster")], line)
some_signs = torch.randint(0, 2, slope.shape, generator=torch.Generator().manual_seed(3)) * 2.0 - 1
with torch.no_grad():
    risen, shuffled = (
        torch.cat([net(eagle + e * way)[:, net.class_index("toaster")] for e in lengths])
        for way in (slope.sign(), some_signs)
    )
figure, axes = new_figure(width=6, aspect=0.5)
ax = axes[0, 0]
ax.plot(lengths * 255, risen, color="#d95f02", label="along the signs of the gradient")
ax.plot(lengths * 255, shuffled, color="gray", label="along random signs")
ax.plot(
    lengths * 255,
    risen[0] + lengths * slope.abs().sum(),
    ":",
    color="#d95f02",
    label="the straight line",
)
ax.set_ylim(min(risen.min(), shuffled.min()) - 1, risen.max() + 6)
ax.set_xlabel("every pixel moves by so many of 255", fontsize=9)
ax.set_ylabel("score of toaster", fontsize=9)
ax.legend(fontsize=8)
figure

# %%
# close to the photo: what the line promises, and how much of it comes true
near = torch.tensor([0.01, 0.03, 0.1, 0.3, 1.0]) / 255
with torch.no_grad():
    rises = (
        net(torch.cat([eagle + e * slope.sign() for e in near]))[:, net.class_index("toaster")]
        - risen[0]
    )
kept = rises / (near * slope.abs().sum())
for e, share in zip(near, kept, strict=True):
    print(f"{e * 255:.2f}/255: {share:.0%} of what the line promises")

# %%
# the sum of the sizes of the gradient, its mean size, and the cosine between it and the random signs
straight = torch.nn.functional.cosine_similarity(slope.flatten(), some_signs.flatten(), dim=0)
print(f"sum {slope.abs().sum():.0f}, mean {slope.abs().mean():.4f}, cosine {straight:.4f}")
at_end = net(attacked)[0, net.class_index("toaster")].item()
print(
    f"at 1/255 the line promises a rise of {slope.abs().sum() / 255:.1f}, the curve rises by {risen[8] - risen[0]:.1f}"
)
print(f"the picture at the top, ten small steps within 2/255: a rise of {at_end - risen[0]:.1f}")

# %% [markdown]
# For this photo and this class, two things hold. In 150 528 dimensions the sum is large although each number is small, and random signs do nearly nothing: they are at right angles to the gradient. And where the curve begins it touches the line. But it leaves the line for changes much smaller than a file can hold (1/255), and then the score even falls: the gradient at the photo no longer says where to go. The picture at the top did better within 2/255. It took ten small steps and asked for the gradient anew each time. (It climbed $\log p$ of the toaster and not the score, and its score rose all the same.)
#
# So "linear and high-dimensional", the explanation of Goodfellow et al. (2015), tells why the *direction* of the gradient is so much better than a random one. It does not tell how far one gets. Whether it is the whole reason is disputed (Tanay & Griffin, 2016).

# %% claim="the curve touches the line at its beginning, leaves it before 1/255 and falls; ten small steps get several times as far; random signs do nothing"
assert kept[0] > 0.9 and kept[3] < 0.7
assert risen[8] - risen[0] < 0.5 * lengths[8] * slope.abs().sum()
assert risen.max() - risen[0] > 2 * (shuffled - shuffled[0]).abs().max()
assert risen[-1] < risen.max() - 0.2
assert at_end - risen[0].item() > 2 * (risen.max() - risen[0]).item()
assert abs(straight) < 0.01

# %% [markdown] exercise="10.1" title="Build it: the fast gradient sign method" points=2 difficulty=2 importance=5 minutes=10 own="course_utils.gradients:fgsm"
# A deep network is not linear. For very small $\varepsilon$ it almost is (that was the idea of lesson 07), and there the best change moves every pixel by $\varepsilon$ in the direction of
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
eagles = [
    attack_in_one_step(net, eagle, [net.class_index("bald eagle")], e / 255) for e in (1, 4, 16)
]
says = [f"{name}, {p:.0%}" for name, p in (net.predict(x)[0][0] for x in eagles)]
show_images(
    [x[0] for x in eagles], [f"eps {e}/255: {s}" for e, s in zip((1, 4, 16), says, strict=True)]
)

# %% [markdown] solution="10.1"
# `sign` forgets how strong each gradient is. That is the point: under the rule "no pixel may move by more than $\varepsilon$", a pixel with a weak gradient should
# still move by the whole $\varepsilon$, because that costs nothing. Look at the answers: the eagle is lost at all three radii, but the longest step is not the surest. One step follows one gradient, and far out this gradient no longer holds.

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
# **Predict, run, explain.** The *first class* is the one that the network names before the first step. Does what it loses go straight to the target, or do *other* classes have more than a half together on the way, and clearly more (by a tenth) than before the first step? Write down for how many of twenty photos.

# %% [markdown] notes="1" minutes=7
# A number from the room before the cell. Follow one photo with the finger.

# %%
# ten photos, ten random targets: probability of the first class (gray) and of the target (orange)
photos, labels, _ = labelled_photos()
generator = torch.Generator().manual_seed(1)
targets = torch.randint(1000, (20,), generator=generator)
result = fool(net, photos, targets, lr=0.25, steps=60)
figure, axes = new_figure(2, 5, width=11, aspect=0.8, sharey=True)
for ax, first, wanted, steps, name in zip(
    axes.flat, result.original, result.confidence, result.steps, targets.tolist(), strict=False
):
    ax.plot(first[: steps + 1], color="gray", marker=".")
    ax.plot(wanted[: steps + 1], color="#d95f02", marker=".")
    ax.plot((1 - first - wanted)[: steps + 1], ":", color="#3b6ea5")
    ax.set_title(f"{net.category(name)[:18]}: {int(steps)} steps", fontsize=9)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.tick_params(labelsize=8)
figure.supxlabel(
    "step (gray: the first class, orange: the target, blue: all others; each panel has its own steps)",
    fontsize=9,
)
figure.supylabel("probability", fontsize=9)
figure

# %%
# do others come in between? And how large is the change?
between = []
for first, wanted, steps in zip(result.original, result.confidence, result.steps, strict=True):
    others = (1 - first - wanted)[: steps + 1]  # what all other classes have together, at each step
    on_the_way = others[1:-1].max() if steps > 1 else others[0]
    between.append(bool(on_the_way > 0.5 and on_the_way > others[0] + 0.1))
print(f"fooled: {int(result.success.sum())} of 20; others in between: {sum(between)}")
in_steps = 255 * (result.images - photos).flatten(1).square().mean(1).sqrt()
print(f"typical change of a number: {in_steps.min():.1f} to {in_steps.max():.1f} of 255")
in_file = int(fooled(net, (result.images * 255).round() / 255, targets).sum())
print(f"rounded to whole numbers of 255, as in a file: {in_file} of 20 still fooled")

# %% [markdown]
# In twelve, others have more than a half in between. (Twenty photos and one length of step: do not read more into the count.) All twenty are fooled by changes that are typically about one of 255 steps of brightness or less. A file holds whole steps only: rounded, thirteen still fool. The loop stops at the first success, close behind the border, and rounding can carry the image back.

# %% claim="others come in between in about twelve; all are fooled; the changes are about 1 of 255 or less; rounding undoes about a third"
assert 10 <= sum(between) <= 14
assert result.success.all()
assert in_steps.max() < 1.6
assert 9 < in_file < 18

# %% [markdown]
# ## Many small steps: PGD
#
# The loop above has no limit for a single pixel. **Projected gradient descent** (PGD; Madry et al., 2018) takes the sign steps of FGSM, many of them, small, and after every
# step goes back to the nearest point that is allowed: each pixel at most $\varepsilon$ away from the photo, and in $[0, 1]$. Going to the nearest allowed point is called
# **projection**. Without the random start that Madry et al. add, the same steps are called the **basic iterative method** (BIM; Kurakin, Goodfellow & Bengio, 2017). The course's `pgd`
# starts at the photo, so it is BIM; `random_start=True` makes it theirs. Its steps are of $2.5\,\varepsilon$ divided by their number.

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
# This loop climbs $\log p_t$, and not the score as `fool` does: its gradient lifts the score of the target and pushes each other score down by that class's own probability, the strongest rival most. And it does not stop at the first success.
#
# **Predict, run, explain.** One step of FGSM and ten steps of PGD, both with the same $\varepsilon$, both *toward* a random target class. Twenty photos. How often will each
# reach its target?

# %%
# one step against ten, the same eps, the same random targets as above
one = fgsm(net, photos, targets, eps=8 / 255, targeted=True)
ten = pgd(net, photos, targets, eps=8 / 255, steps=10, targeted=True)
reach = {
    f"FGSM, one step, {e}/255": int(
        fooled(net, photos + (one - photos).clamp(-e / 255, e / 255), targets).sum()
    )
    for e in (8, 4, 2, 1)
}
reach["PGD, ten steps, 8/255"] = int(fooled(net, ten, targets).sum())
for how, count in reach.items():
    print(f"{how}: {count} of 20 reach the target")
largest = [(x - photos).abs().max() * 255 for x in (one, ten)]
print(f"largest change of a pixel: {largest[0]:.1f} and {largest[1]:.1f} of 255")

# %% [markdown]
# Both may move every pixel equally far. The gradient at the photo is right for a short way only: a single long step ends at a place where the score is another
# one than the straight line promised. Ten short steps ask for the gradient again each time. Is a step of 8/255 only too long? 1, 2 or 4 of 255 along the same signs reach no more.

# %% claim="ten small steps reach many times as many targets as a single long one of the same eps"
*single_steps, ten_steps = reach.values()
assert ten_steps > 17
assert not max(single_steps) > 5
assert max(largest) < 8.1

# %% [markdown] fold="Think: FGSM often makes a network leave the right class. Why is reaching a chosen class harder?"
# There are 999 ways to be wrong and one way to be "pizza". Wherever the long step ends, some other class may well be on top.

# %% [markdown]
# ## Spot the bug: how to draw a change
#
# The change is too small to see, so everybody magnifies it. The lines below do it as one would draw an image: they undo the
# normalization.

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
# three attacks and their changes, magnified ten times; norm="l2": after each step, a change longer than eps in all is
# shortened to eps. ImageNet calls this photo a spoonbill; in truth the bird is a white ibis
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
# There is no sports car in the change. With a limit for each pixel (middle), it is spread over the whole photo, the sky as much as the bird. Where only the length of the whole change counts (left and right), it is strongest where the gradient is strong.

# %% claim="the three attacks reach the class; where only the length counts, the change is spread less evenly"
assert all(bool(fooled(net, x, wish)) for x in attacks.values())
left_one, in_the_middle, right_one = (
    ((x - spoonbill).abs().amax() / (x - spoonbill).abs().mean()).item() for x in attacks.values()
)
assert left_one > 5
assert right_one > 5
assert not in_the_middle > 5

# %% [markdown]
# ## Does it survive?
#
# The attacked image is a tensor. A picture in the world is saved as a file, cropped, and seen by other networks. `survival` tries these, on the twenty images that PGD made
# above. Two controls belong to it. A crop is also *enlarged* again, to 224 pixels, and another network sees the photo at its own size, Lite2 at 260 pixels. So we also ask the attacked network itself at 260 pixels: there the network is the same, and only the size is another.
#
# **Predict, run, explain.** Order these three by how much they hurt the attack: a JPEG file of quality 75; a crop to the
# middle 80 %; another network (EfficientNet-Lite2, larger, trained on the same photos).

# %% [markdown] notes="1" minutes=6
# An order of the three from the room, on the board, before the cell.

# %%
# which share of the attacks still reaches the target?
other = load_network("efficientnet_lite2")
shares = survival(net, ten, targets, networks={"another network (Lite2)": other})
shares["the same network, 260 pixels"] = (
    fooled(net, resize(ten, 260), targets).float().mean().item()
)
figure, axes = new_figure(width=6, aspect=0.5)
ax = axes[0, 0]
ax.barh(list(shares), list(shares.values()), color="#3b6ea5")
ax.invert_yaxis()
ax.set_xlim(0, 1)
ax.set_xlabel("share that still says the target class", fontsize=9)
ax.tick_params(labelsize=8)
figure

# %%
# reaching the target is one thing; does the other network still say the right class?
right, others_right = torch.tensor(labels), {}
for name, images in (("clean photos", photos), ("attacked photos", ten)):
    mine = (net(images).argmax(1) == right).float().mean()
    theirs, small = (other(resize(images, size)).argmax(1) for size in (other.input_size, 224))
    others_right[name] = [(said == right).float().mean().item() for said in (theirs, small)]
    print(
        f"{name}: attacked network {mine:.0%} right, the other network"
        f" {others_right[name][0]:.0%} right, {others_right[name][1]:.0%} at 224 pixels"
    )
at_224 = int((small == targets).sum())  # of the attacked photos, the last of the loop
print(f"at 224 pixels the other network says the target {at_224} times of 20")

# %% [markdown]
# (Rounding is no test here: these ten steps are of exactly 2/255, so every pixel is a whole number of 255 already.) A JPEG file of very high quality changes little. After stronger compression, or a crop, the target is gone from most photos. The other network almost never says the target class, and
# mostly sees what was there before. But look at the last bar: the attacked network itself forgets most targets when it sees the same images at 260 pixels. So this change fits one network *at one size*. The size is not the whole reason, though: asked at 224 pixels, Lite2 says hardly a target either, and is right as often as on the clean photos.
#
# **Is a crop a protection, then?** This attacker did not know of it. One who does can put the crop into the loop: in each step take the mean of the gradients over some crops of random sizes. (You will meet this idea again with the patch.)


# %%
# six photos, eps 8/255: with two random crops in each step, and without, each with 18 gradients for a photo
def after_crop(images, share, top=0.5, left=0.5):
    """Keep a share of each side, at a place from 0 (top, left) to 1, and enlarge it again. Differentiable."""
    side = round(share * 224)
    row, column = round(top * (224 - side)), round(left * (224 - side))
    return resize(images[:, :, row : row + side, column : column + side], 224)


def attack_with_crops(clean, wanted_classes, crops, steps, limit=8 / 255):
    """PGD whose gradient is the mean over `crops` random crops (0: none)."""
    dice, x = torch.Generator().manual_seed(0), clean
    for _ in range(steps):
        pixels = x.clone().requires_grad_()
        seen = [pixels]
        for _ in range(crops):
            share, top, left = torch.rand(3, generator=dice).tolist()
            seen.append(after_crop(pixels, 0.7 + 0.3 * share, top, left))
        scores = net(torch.cat(seen))
        loss = torch.nn.functional.cross_entropy(scores, wanted_classes.repeat(len(seen)))
        (gradient,) = torch.autograd.grad(loss, pixels)
        x = (clean + (x - limit / 4 * gradient.sign() - clean).clamp(-limit, limit)).clamp(0, 1)
    return x


six = slice(0, 6)
by_attack = {
    "the ten steps of above": ten[six],
    "no crops, 18 steps": attack_with_crops(photos[six], targets[six], crops=0, steps=18),
    "two crops, 6 steps": attack_with_crops(photos[six], targets[six], crops=2, steps=6),
}
views = {
    "as it is": lambda x: x,
    "moved by 12 pixels": lambda x: x.roll(12, 3),
    "by 11": lambda x: x.roll(11, 3),
    "middle 95%": lambda x: after_crop(x, 0.95),
    "80%": lambda x: after_crop(x, 0.8),
    "60%": lambda x: after_crop(x, 0.6),
    "smaller (80%) and enlarged again": lambda x: resize(resize(x, 179), 224),
}
through = {
    (how, view): int(fooled(net, look(x), targets[six]).sum())
    for how, x in by_attack.items()
    for view, look in views.items()
}
for how in by_attack:
    print(f"{how}: " + ", ".join(f"{view} {through[how, view]} of 6" for view in views))

# %% [markdown]
# With the crops in the loop the target comes through a crop to 80 %, at the same ε; without, three times as many steps do not help. So the bars above measure an attack that was not made for these tests. A test against which the attack was not made is no defense. Athalye, Carlini and Wagner (2018) looked at nine defenses of one conference: seven relied on gradients that are hard to get, and of these six fell wholly and one in part to attacks that were made for them.
#
# Why does a crop hurt? Not by the blur of the enlarging: the last number of the first line. Look at the moves (what leaves on the right comes in on the left). 12 pixels leave nearly every target, 11 take nearly all. The network goes over the photo in strides, the first two of 2 pixels each. A move by a multiple of 4 leaves the change on the same grid of these two: this attack fits the grid, too. (Two moves on six photos do not prove it. And a crop enlarges, too: the last bar above shows what another size does by itself.)

# %% claim="with crops in the loop the target survives a crop; without, three times as many steps do not help; a move by a multiple of 4 leaves it, other moves do not"
blind, longer_blind, knowing = by_attack
assert min(through[how, "as it is"] for how in by_attack) > 4
assert not max(through[how, "80%"] for how in (blind, longer_blind)) > 2
assert through[knowing, "80%"] > 3
assert through[blind, "smaller (80%) and enlarged again"] > 4
moved = [int(fooled(net, ten[six].roll(by, 3), targets[six]).sum()) for by in (8, 12, 16, 20)]
assert min(moved) > 3
moved_otherwise = [
    int(fooled(net, ten[six].roll(k, 3), targets[six]).sum()) for k in (5, 11, 13, 21)
]
assert not max(moved_otherwise) > 2
clean_moved = net(photos[six].roll(11, 3)).argmax(1) == net(photos[six]).argmax(1)
assert clean_moved.sum() > 3

# %% claim="JPEG 50, a crop and another size undo most, and the other network seldom follows"
assert shares["the same network, 260 pixels"] < 0.6
assert shares["saved as 8-bit pixels"] > 0.9 * shares["as it is"]
assert shares["JPEG, quality 95"] > 0.8 * shares["as it is"]
assert shares["JPEG, quality 50"] < 0.5 * shares["as it is"]
assert shares["middle 95%"] < 0.5 * shares["as it is"]
assert shares["another network (Lite2)"] < 0.15
clean_right, attacked_right = others_right.values()
assert attacked_right[0] > 0.6 * clean_right[0]
assert at_224 < 4

# %% [markdown]
# ## Does it reach another network?
#
# The attacks above were made for one network. An attacker may try harder. Szegedy et al. (2014) saw that some changes made for one network fool others, too. Liu et al. (2017) attacked *several networks at once*, and
# then asked another one. One way to do this: add up the losses. With the probabilities $p^{(1)}, p^{(2)}$ of two networks, each of which sees the photo at its own size, climb
#
# $$\log p^{(1)}_t(x) + \log p^{(2)}_t(x).$$
#
# The hope: a change that has to suit both fits a third one better. `Ensemble` makes one network of several: its score of a class is the mean of their $\log p$, so that every attack of this
# lesson takes it.

# %% [markdown] notes="1" minutes=9
# Let the room guess two numbers of 50 before the figure: the attack, a random change. Say that all of the networks are sisters.

# %%
# an eagle, a toaster, at most 12/255: a change for one network, and a change for two
wanted = net.class_index("toaster")
options = {"eps": 12 / 255, "steps": 10, "targeted": True, "of": "score"}  # the mean of log p
for_one = pgd(Ensemble([net]), eagle, wanted, **options)
for_both = pgd(Ensemble([net, other]), eagle, wanted, **options)
for_one_p, for_both_p = (
    [n(resize(x, n.input_size)).softmax(1)[0, wanted].item() for n in (net, other)]
    for x in (for_one, for_both)
)
for name, p in (("for Lite0 alone", for_one_p), ("for both", for_both_p)):
    print(f"change {name}: p(toaster) is {p[0]:.1%} in Lite0 and {p[1]:.1%} in Lite2")

# %% [markdown]
# That both networks say it is no surprise: both were attacked. A fair test asks a network that the attacker does *not* have. Attack EfficientNet-Lite0, or Lite0 and Lite1 together, and ask Lite2: fifty pairs of a photo (17 photos, which all three name right) and a random target, five steps of PGD for each ε. It was done once (`python -m course_utils.training.transfer` does it again, in about a quarter of an hour), and the answers are kept with the course. Two controls have the same strength: a random change, and each change on *another* photo.
#
# **Predict, run, explain.** With ε = 16/255, how many of 50 times does Lite2 say the target if Lite0 was attacked? How often does it still say the right class, after the attack and after a random change?

# %%
# how often of 50 does Lite2 still say the right class?
table = transfer_table()
judge = "efficientnet_lite2"
lite0, lite1 = "efficientnet_lite0", "efficientnet_lite1"
both = f"{lite0} + {lite1}"
sources = {
    "random change": ("random", "gray"),
    "its change on another photo": (f"{lite0}, the change of another photo", "black"),
    "attack on Lite0": (lite0, "#3b6ea5"),
    "attack on Lite0 and Lite1": (both, "#d95f02"),
}
figure, axes = new_figure(width=6, aspect=0.55)
ax = axes[0, 0]
for name, (source, color) in sources.items():
    still = {e: round(50 * table.right(source, e, judge)) for e in (4, 8, 12, 16)}
    ax.plot(still.keys(), still.values(), "o-", color=color, label=name)
    hits = [round(50 * table.reached(source, 16, n)) for n in (lite0, judge)]
    print(
        f"{name}: Lite2 right in {still[4]}, {still[8]}, {still[16]} at 4, 8, 16 of 255;"
        f" target at 16: Lite0 {hits[0]}, Lite2 {hits[1]}"
    )
ax.set_ylim(0, 52)
ax.set_xticks([4, 8, 12, 16])
ax.set_xlabel("eps (of 255)", fontsize=9)
ax.set_ylabel("of 50: Lite2 says the right class", fontsize=9)
ax.legend(fontsize=8, loc="lower left")
figure

# %%
# the attack on Lite0 once more, to its end: 20 steps at 16/255; Lite2 is asked at two sizes
longer, small_judge = f"{lite0}, 20 steps", f"{judge} at 224 pixels"
for n in (lite0, judge, small_judge):
    target, still = (round(50 * f(longer, 16, n)) for f in (table.reached, table.right))
    by_chance = round(50 * table.right("random", 16, n))
    print(f"{n}: target {target}, right {still} (after a random change: {by_chance})")

# %%
# is the file true? Eight of the fifty, computed now: the attack on Lite0 with eps 16, five steps
few = slice(8)
again = pgd(
    net, table.images(few), table.targets[few], eps=16 / 255, steps=table.steps, targeted=True
)
again = (again * 255).round() / 255
now = {
    lite0: net(again).argmax(1),
    judge: other(resize(again, other.input_size)).argmax(1),
}
for n, said in now.items():
    stored = table.said[lite0, 16, n][few]
    same, plain = (int((said_too == stored).sum()) for said_too in (said, table.labels[few]))
    print(f"{n}: as stored {same} of 8; the right label in the file: {plain} of 8")
loser = int((now[judge] != table.labels[few]).int().argmax())  # the first that Lite2 gets wrong
show_images(
    [table.images([loser])[0], again[loser]],
    [
        f"Lite2: {other.predict(resize(x[None], 260))[0][0][0]}"
        for x in (table.images([loser])[0], again[loser])
    ],
)

# %% [markdown]
# The check has power for Lite0: its answers are random targets, and who writes the right label into the file agrees with none of them. For Lite2, whose stored answer often *is* the right label, it proves nothing. And some answers differ: the path of an attack hangs on the last digits of the arithmetic. With fifty tries on 17 photos read no difference below about nine: at 16/255 the attacks are worse than a random change; at 4/255 nothing can be said.
#
# The *target* hardly travels: at 16/255 Lite2 says it in one or two of fifty tries. Five steps are few, so look at twenty: now Lite0 says all fifty targets, and Lite2 one at its own size and three at 224 pixels, the size of the attack. So it is not the size that stops the target.
#
# Being *wrong* travels, and more as ε grows. At 4/255, which you do not see, the attack on Lite0 takes one try of fifty from Lite2 (on two networks: five), at 8/255 nine, at 16/255 fifteen; a random change takes 0, 3 and 4. Twenty steps at 16/255 do not take more: eleven. And a change of 16/255 you can see (the picture above). Each change on *another* photo does no more than a random one. So it is the attack on this very photo that reaches Lite2, not its strength or its texture.
#
# Liu et al. (2017), too, found that targets of one network almost never travel. In their tests, attacks made only to leave a class (ours all had a target) travelled easily; with several networks many targets travel. Our two networks and five steps did not do that. Lite2 is a sister of the other two, of the same design, trained on the same photos. What a network of another family says was not measured here.

# %% claim="targets hardly reach Lite2 at either size; wrong answers do, more as eps grows, more than from a random change or another photo's change"
assert [len(table.photos), len(set(table.photos))] == [50, 17]
taken = {
    name: [50 - round(50 * table.right(source, e, judge)) for e in (4, 8, 16)]
    for name, (source, _) in sources.items()
}
assert taken["random change"] == [0, 3, 4]
assert taken["attack on Lite0"] == [1, 9, 15]
assert taken["attack on Lite0 and Lite1"][0] == 5
assert round(50 * table.right(longer, 16, judge)) == 39
assert (
    len(
        {
            p
            for p, ok in zip(table.photos, table.said[both, 4, judge] == table.labels, strict=True)
            if not ok
        }
    )
    == 4
)
for random_one, swapped in zip(
    taken["random change"], taken["its change on another photo"], strict=True
):
    assert abs(swapped - random_one) < 2
assert not taken["its change on another photo"][2] > 0.5 * taken["attack on Lite0"][2]
assert table.reached(both, 16, judge) < 0.15
assert table.reached(longer, 16, lite0) == 1
assert max(table.reached(longer, 16, n) for n in (judge, small_judge)) < 0.1
assert [round(50 * table.reached(longer, 16, n)) for n in (judge, small_judge)] == [1, 3]
assert {round(50 * table.reached(source, 16, judge)) for source in (lite0, both)} == {1, 2}
as_stored = [int((said == table.said[lite0, 16, n][few]).sum()) for n, said in now.items()]
assert as_stored[0] >= 3  # of 1000 classes; another processor turns other signs
assert not (table.labels[few] == table.said[lite0, 16, lite0][few]).any()
assert for_one_p[1] < 0.5
assert min(for_both_p) > 0.5

# %% [markdown]
# ## A picture of nothing
#
# So far there was a photo. Take it away: start at gray noise, and climb. Nguyen, Yosinski & Clune (2015) made images in which a person recognizes nothing, and which networks named with more than 99 % certainty; some they bred by evolution, some they climbed.

# %% [markdown] notes="1" minutes=5
# Show the noise without a title and ask for a class. What should a network be able to answer that this one cannot?

# %%
# gray noise, and the same noise after at most 12/255 of change for four classes
noise = 0.4 + 0.2 * torch.rand(1, 3, 224, 224, generator=generator)
dreams = ["goldfish", "pizza", "school bus", "castle"]
rubbish = pgd(net, noise.expand(4, -1, -1, -1), dreams, eps=12 / 255, steps=20, targeted=True)
says = [
    f"{name}, {p:.1%}" for name, p in (net.predict(x[None])[0][0] for x in (noise[0], *rubbish))
]
changes = magnify(rubbish - noise)  # ten times, around gray
show_images(
    [noise[0], *rubbish, torch.full_like(noise[0], 0.5), *changes],
    [*says, "no change", *["its change, ten times"] * 4],
    columns=5,
)

# %%
# the control, and another network
wanted = torch.tensor([net.class_index(name) for name in dreams])
shaken = (
    noise + 12 / 255 * (torch.randint(0, 2, rubbish.shape, generator=generator) * 2 - 1)
).clamp(0, 1)
for name, x in (("climbed", rubbish), ("changed at random, as much", shaken)):
    mine = net(x).softmax(1)[range(4), wanted]
    theirs = other(resize(x, other.input_size)).softmax(1)[range(4), wanted]
    print(
        f"{name}: p of the class {mine.min():.2%} to {mine.max():.2%} in Lite0, at most {theirs.max():.2%} in Lite2"
    )
bigger = net(resize(rubbish, 260)).softmax(1)[range(4), wanted]
smaller = other(rubbish).softmax(1)[range(4), wanted]
print(f"climbed, Lite0 at 260 pixels: {bigger.min():.2%} to {bigger.max():.2%};")
print(f"Lite2 at 224 pixels: at most {smaller.max():.2%}")
seen_by_other = [other.predict(resize(x[None], 260))[0][0][0] for x in (noise[0], *rubbish)]
print("Lite2 says of the noise and of the four:", ", ".join(seen_by_other))

# %% [markdown]
# Five times noise; a person names none of them. Lite0 names four with more than 99 % certainty. A random change of the same size does nothing of the kind, so it is the direction again that counts. Lite2 gives none of the four classes more than a percent. As with the photos, the image was made for one network and one size. (The noise lies between 0.4 and 0.6, so a change of 12/255 is about half of its largest deviation; you do not see it because it looks like noise, too.)
#
# A network like this one must divide 100 % among its thousand classes, whatever it is shown; "none of them" is not an answer. But it was not forced to be *certain*: on the plain noise it is not.

# %% claim="noise that is named with more than 99 %, not by a random change, and not by Lite2; plain noise is not named"
assert net(rubbish).softmax(1)[range(4), wanted].min() > 0.99
assert not net(shaken).softmax(1)[range(4), wanted].max() > 0.1
assert other(resize(rubbish, other.input_size)).softmax(1)[range(4), wanted].max() < 0.01
assert net(noise).softmax(1).max() < 0.5
assert (rubbish - noise).abs().max() < 12.1 / 255
# %% [markdown]
# ## A patch that works on any photo
#
# All changes so far were made for one photo. Brown et al. (2017) dropped the rule that nobody may see the change, and asked for more: *one* round sticker that makes the network say "toaster" on any photo, at any
# place, large or small, a little turned or not. It can be printed.
#
# How is it found? Call the sticker $\delta$, and let $A(\delta, x, \tau)$ be the photo $x$ with the sticker on it, in a way $\tau$: place, size, turn. Do not climb for one photo and one way, but for the mean over many:
#
# $$\max_\delta \; \mathbb{E}_{x, \tau} \, \log p_t\bigl(A(\delta, x, \tau)\bigr).$$
#
# (Moosavi-Dezfooli et al. (2017) had gone half of the way: one change under an ε that fools a network on most photos.) In each step, draw some photos and ways, and take the mean of the gradients. This is called **expectation over transformations** (Athalye et al., 2018, *Synthesizing Robust Adversarial Examples*); you saw it with the crops. The pixels of $\delta$ may take any color: there is no ε.

# %% [markdown] notes="1" minutes=24
# Ask which of the earlier attacks one could print and hold into a camera. In 10.5 the usual slip is the patch that is added to the photo. Hand out the printed patch, if there is a printer.

# %% [markdown] exercise="10.5" title="Build it: the gradient of a patch" points=2 difficulty=3 importance=4 minutes=12 own="course_utils.gradients:stick_on course_utils.gradients:adversarial_patch"
# A rectangular patch, upright, one corner for each photo. Put the patch *over* each photo (it hides what is below), take the mean of $\log p_t$ over the photos, and return its gradient with respect to the patch.


# %% exercise="10.5"
def patch_gradient(net, photos, patch, corners, target):
    """The mean gradient of a patch over photos and places.

    net: net(images) gives the scores (N, classes) before the softmax
    photos: (N, 3, H, W) in [0, 1], they must stay as they are; patch: (3, h, w)
    corners: a list of N pairs (top, left), where the patch's upper left pixel lies; target: a class index
    returns: (3, h, w), the gradient of the mean log-probability of target
    """
    ### BEGIN SOLUTION
    patch = patch.detach().clone().requires_grad_()
    height, width = patch.shape[1:]
    pasted = photos.clone()
    for i, (top, left) in enumerate(corners):
        pasted[i, :, top : top + height, left : left + width] = patch
    log_p = net(pasted).log_softmax(1)[:, target]
    return torch.autograd.grad(log_p.mean(), patch)[0]
    ### END SOLUTION


check("10.5", patch_gradient)

# %% [markdown] fold="Hint"
# Make a copy of the patch that requires a gradient, and a copy of the photos. A slice such as `pasted[i, :, top : top + height, left : left + width] = patch` keeps the graph: the gradient finds its way back to the patch.

# %% [markdown] fold="I get: the patch does not require a gradient, or None"
# You pasted the patch before you called `requires_grad_()`, or you pasted the old one. Paste the copy that requires the gradient.

# %% [markdown] fold="I get: this view is the output of a function that returns multiple views"
# `for image in pasted` gives views into which PyTorch does not let you write here. Write with an index: `pasted[i, ...] = patch`.


# %% picture="10.5"
# your gradient: 24 steps of its sign, each on four of six photos at random places. Then a photo that it has not seen
def grow_patch(pictures, corner=None):
    """A patch from 24 steps; each sees four of the pictures, at random corners or all at one."""
    where, grown = torch.Generator().manual_seed(2), torch.full((3, 96, 96), 0.5)
    for k in range(24):
        chosen = torch.randperm(6, generator=where)[:4] % len(pictures)
        corners = torch.randint(0, 129, (4, 2), generator=where).tolist()
        corners = [corner] * 4 if corner else corners
        uphill = patch_gradient(
            net, pictures[chosen], grown, corners, net.class_index("strawberry")
        )
        grown = (grown + 0.08 * (1 - k / 40) * uphill.sign()).clamp(0, 1)
    return grown


def wins_on_unseen(sticker):
    """Of 20: ten photos that no patch was made with, each at two random corners."""
    corners = torch.randint(0, 129, (20, 2), generator=torch.Generator().manual_seed(9)).tolist()
    covered = photos[1::2].repeat(2, 1, 1, 1)
    for picture, (top, left) in zip(covered, corners, strict=True):
        picture[:, top : top + 96, left : left + 96] = sticker
    with torch.no_grad():
        return int((net(covered).argmax(1) == net.class_index("strawberry")).sum())


learn = photos[[0, 2, 6, 8, 10, 12]]  # no strawberries
my_patch = grow_patch(learn)
# which mean does it? The same, but all four images of a step show one photo
from_one_photo = grow_patch(learn[:1])
by_one, by_six = wins_on_unseen(from_one_photo), wins_on_unseen(my_patch)
print(f"made with one photo, random corners: {by_one} of 20; with six: {by_six}")
unseen = photos[1].clone()
unseen[:, 120:216, 10:106] = my_patch
says = [f"{name}, {p:.0%}" for name, p in (net.predict(x[None])[0][0] for x in (photos[1], unseen))]
show_images([my_patch, photos[1], unseen], ["your patch", *says])

# %% [markdown] solution="10.5"
# The mean of the logarithms, not the logarithm of the mean: a photo on which the target is still improbable has a large gradient of $\log p$, so the step attends to it. That is the sum of the losses again, this time over photos and places and not
# over networks.

# %% [markdown]
# One photo is enough for most of the tries, if the patch lies at random corners; six photos do better. The mean over places counts more: in a run that is not shown, with all four images at one corner (`grow_patch(learn, [64, 64])` does it), the patch hardly ever won elsewhere, made with one photo or with six. (24 steps, one class, one seed: do not read more into it.)
#
# These steps are few, and all patches lay upright and had one size. The course has a patch from 150 steps of Adam (`python -m course_utils.training.fooling_patch`), made on 17 photos of the gallery, at random places, sizes and turns (by at most 20 degrees). Ten other photos were kept for the test. Here are three of them.

# %% claim="without the mean over places the patch does not win elsewhere; with it, it wins mostly, from one photo, too"
assert by_six > 14
assert by_one > 8
for learned_from in (learn[:1], learn):
    assert not wins_on_unseen(grow_patch(learned_from, [64, 64])) > 4

# %%
# the course's patch, and three photos that had no part in making it
patch = load_image(data_file("fooling/strawberry_patch.png"), None)
held_out = photos[1::2]
stuck = stick_on(held_out[[3, 7, 8]], patch, random_places(3, side=(0.4, 0.4), seed=4))
says = [f"{name}, {p:.0%}" for name, p in (net.predict(x[None])[0][0] for x in stuck)]
show_images([patch[0], *stuck], ["the patch", *says], columns=4)

# %% [markdown]
# **Predict, run, explain.** Does it work because it looks like a strawberry? Four controls, on the same photos, at the same places, in the same sizes: a disc cut from a *photo of strawberries*, the patch itself with the squares of 8 × 8 pixels that lie inside of its circle *shuffled* (the same colors and contrast, no shapes larger than a square), the patch *upside down* (it was made with turns of at most 20 degrees), and a disc of random colors.

# %%
# the discs: a cut of a photo of strawberries that Lite0 names on a gray picture, and three others
strawberry = net.class_index("strawberry")
real = resize(photo("strawberry", 320)[:, :, 104:216, :112], patch.shape[2:])
cells = [  # upper left corners of the squares of 8 x 8 pixels that lie inside of the patch's circle
    (y, x)
    for y in range(0, 96, 8)
    for x in range(0, 96, 8)
    if (abs(y - 44) + 4) ** 2 + (abs(x - 44) + 4) ** 2 < 48**2
]
shuffled_patch = patch.clone()
order = torch.randperm(len(cells), generator=torch.Generator().manual_seed(7)).tolist()
for (y, x), k in zip(cells, order, strict=True):
    v, u = cells[k]
    shuffled_patch[..., y : y + 8, x : x + 8] = patch[..., v : v + 8, u : u + 8]
blocks = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(5))
discs = {
    "patch": patch,
    "photo of strawberries": real,
    "patch, shuffled": shuffled_patch,
    "patch, upside down": patch.rot90(2, (2, 3)),
    "random colors": resize(blocks, patch.shape[2:]),
}
gray, middle_place = torch.full((1, 3, 224, 224), 0.5), torch.tensor([[0.5, 0.5, 0.4, 0.0]])
named, p = net.predict(stick_on(gray, real, middle_place))[0][0]
print(f"the disc of the photo, on a gray picture: {named}, {p:.0%}")

# %%
# twenty times for each size: ten unseen photos at two places
twice = held_out.repeat(2, 1, 1, 1)


def says_strawberry(judge_net, images):
    """In how many of the images."""
    with torch.no_grad():
        return int((judge_net(images).argmax(1) == strawberry).sum())


wins, by_other = {}, {}
for name, disc in discs.items():
    for side in (0.2, 0.3, 0.4, 0.5) if name == "patch" else (0.4, 0.5):
        stuck = stick_on(twice, disc, random_places(20, side=(side, side), seed=6))
        wins[name, side] = says_strawberry(net, stuck)
        print(f"{name}, {side:.0%} of the side: Lite0 says strawberry {wins[name, side]} of 20")
    by_other[name] = says_strawberry(other, stuck)  # the last size, 50 %
    if name == "patch":
        by_other_260, by_net_260 = (says_strawberry(n, resize(stuck, 260)) for n in (other, net))
    if name == "photo of strawberries":
        photo_260 = says_strawberry(other, resize(stuck, 260))
print("at 50%, by Lite2 at 224 pixels:", ", ".join(f"{n} {k}" for n, k in by_other.items()))
print(
    f"by Lite2 at 260: patch {by_other_260}, photo {photo_260}; by Lite0 at 260: patch {by_net_260}"
)
print(f"without a disc, Lite0 says strawberry for {says_strawberry(net, held_out)} of 10 photos")

# %%
# the patch and the controls as the network sees them; a place is row, column (0: top, left), diameter, turn
shown = [
    stick_on(held_out[:1], disc, torch.tensor([[0.5, 0.6, 0.5, 0.0]]))[0] for disc in discs.values()
]
says = [f"{name}:\n{net.predict(x[None])[0][0][0]}" for name, x in zip(discs, shown, strict=True)]
show_images(shown, says, columns=5)

# %% [markdown]
# A disc of 40 % of the photo's side covers an eighth of its area. At this size and above, the patch wins on nearly every photo, though none of them was used to make it; at 20 % never (it was made with sizes from 30 to 50 %). The real strawberries win at most a few times (at the place of the picture, on about four of the ten photos: half of the side is large), the shuffled patch and the random colors never. So colors and contrast are not enough: the arrangement counts. Upside down the patch still wins on most photos, so it needs no upright shape. What it is in the patch that counts, these controls do not say. (One patch, one disc of a photo: others may do otherwise.)
#
# Lite2 had no part in making it. At 260 pixels, its own size, it says strawberry about as often for the patch as for real strawberries: with twenty pictures, 3 against 2 are no difference. At 224 pixels it follows the patch in about half of the pictures, upside down in fewer, and real strawberries in a few at most: there the patch travels. Lite0 itself follows at 260, too.

# %% claim="on unseen photos the patch wins from 40 % on, upside down on most; a real photo of the class, shuffled squares and random colors do not; Lite2 follows at 224 pixels only"
assert min(wins["patch", 0.4], wins["patch", 0.5]) > 15
assert wins["patch", 0.2] < 4
assert min(wins["patch, upside down", 0.4], wins["patch, upside down", 0.5]) > 10
assert not wins["photo of strawberries", 0.4] > 4
assert not wins["photo of strawberries", 0.5] > 6
assert not max(wins[n, 0.5] for n in ("random colors", "patch, shuffled")) > 2
assert says_strawberry(net, held_out) == 0
assert named == "strawberry"
assert by_net_260 > 14
assert not by_other_260 > photo_260 + 4
assert by_other["patch"] > 7
assert not max(k for n, k in by_other.items() if n not in ("patch", "patch, upside down")) > 5
at_this_place = torch.tensor([[0.5, 0.6, 0.5, 0.0]]).repeat(10, 1)
assert 2 <= says_strawberry(net, stick_on(held_out, real, at_this_place)) <= 6
assert not says[1].endswith("strawberry")
assert says[0].endswith("strawberry")

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

# %% claim="a random change of 8/255 changes few answers, a step of 1/255 along the signs of the gradient most"
leavers = [int((net(x).argmax(1) != clean_class).sum()) for x in (noisy, away)]
assert leavers[1] > 10
assert not leavers[0] > 5

# %% [markdown]
# (The gray streak in the picture of the random change lies on black feathers: below 0 no pixel can go.) Random changes, eight times as large, change very few answers; the step along the signs of the gradient changes most. In 150 528 dimensions a random direction is almost at right angles to the gradient: its ups and downs cancel. The attack
# is dangerous because it *knows the direction*. So:
#
# - A fooling image shows that there are wrong answers very close to a photo. It does not show that you meet them by chance.
# - A change under a small ε is not a picture of the target class. It shows directions in which this network's score rises, no more.
# - The probability of an attacked image ("pizza, 100 %") says how far the attack went on, not how much of a pizza is there.
# - Nothing here says that people are safe from such images; it says that these were not made with our gradient.
#
# **So is it a bug?** Ilyas et al. (2019) made an experiment. They changed training photos a little, each toward a random other class, and gave each that other class as its label. To a person nearly all of these labels are wrong. They trained a new network on nothing else. On ordinary test photos, which nobody had
# changed, it named the right class far more often than chance. So the small changes carry something that belongs to the class, on ordinary photos too, and that people do not see. The authors call it a *non-robust feature*: it helps a network to be right, and a small change turns it around.
# On this view an attack finds no hole in the network; it uses what the network has learned to use. It is not the last word: Nakkiran (2019) built changes that fool a network and carry no such feature. And people are not safe either: Elsayed et al. (2018) found changes that mislead people who see an image for a very short time.
#
# **What helps?** Madry et al. (2018) *train* on attacked images: the weights go down the loss of the worst change that PGD finds. Such networks resist much better, and answer worse on clean photos. None of them is in this course: they have other weights than the ones we carry.

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
# - On a linear score the best change under $|\Delta x_i| \le \varepsilon$ is $\varepsilon\,\mathrm{sign}(w)$, and it raises the score by exactly $\varepsilon\lVert w\rVert_1$. The sum over all numbers of the photo makes it large.
# - FGSM: one step of the sign. PGD: many small ones, each projected back to the ball around the photo and to $[0, 1]$.
# - A difference is drawn around gray. JPEG, crops, sizes and other networks are tests for an attack; but an attack that knows of the test puts it into its loop. Random noise of the same size is the comparison.
# - Made for one network, the changes hardly ever carried their target to another one. It was wrong in 1 of fifty tries at 4/255, and in 15 at 16/255 (which you see), after a random change in 0 and 4.
# - From noise, the same steps make an image of nothing that a network names with more than 99 % certainty.
# - A patch is trained for the mean over photos, places, sizes and turns. At 40 to 50 % of the side it works on photos that it has never seen, in the network it was made for; and everybody sees it.
#
# **Papers.** Szegedy et al.: *Intriguing Properties of Neural Networks*, ICLR 2014. Goodfellow, Shlens, Szegedy: *Explaining and Harnessing Adversarial Examples*, ICLR 2015. Nguyen, Yosinski, Clune: *Deep Neural Networks are Easily Fooled*, CVPR 2015. Moosavi-Dezfooli, Fawzi, Fawzi, Frossard: *Universal Adversarial Perturbations*, CVPR 2017. Kurakin, Goodfellow, Bengio: *Adversarial Examples in the Physical World*, ICLR Workshop 2017. Liu, Chen, Liu, Song: *Delving into Transferable Adversarial Examples and Black-box Attacks*, ICLR 2017. Brown, Mané, Roy, Abadi, Gilmer: *Adversarial Patch*, 2017. Madry et al.: *Towards Deep Learning Models Resistant to Adversarial Attacks*, ICLR 2018. Athalye, Carlini, Wagner: *Obfuscated Gradients Give a False Sense of Security*, ICML 2018. Athalye, Engstrom, Ilyas, Kwok: *Synthesizing Robust Adversarial Examples*, ICML 2018. Elsayed et al.: *Adversarial Examples that Fool both Computer Vision and Time-Limited Humans*, NeurIPS 2018. Tanay, Griffin: *A Boundary Tilting Perspective on the Phenomenon of Adversarial Examples*, 2016. Ilyas et al.: *Adversarial Examples Are Not Bugs, They Are Features*, NeurIPS 2019. Nakkiran: *A Discussion of "Adversarial Examples Are Not Bugs, They Are Features": Adversarial Examples Are Just Bugs, Too*, Distill 2019.
