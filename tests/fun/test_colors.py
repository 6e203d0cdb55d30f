"""Colors of one picture on another: mean and covariance, or the swap of brightness."""

import torch

from course_utils.fun.colors import keep_colors, match_colors


def picture(seed, height=16, width=20):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_match_colors_gives_mean_and_covariance_of_the_content():
    style, content = picture(0) * torch.tensor([1, 0.5, 0.2]).view(1, 3, 1, 1), picture(1) ** 2
    style[:, 1] += 0.4 * style[:, 0]  # correlated
    result = match_colors(style, content)
    got, expected = result[0].flatten(1), content[0].flatten(1)
    torch.testing.assert_close(got.mean(1), expected.mean(1))
    torch.testing.assert_close(torch.cov(got, correction=0), torch.cov(expected, correction=0))
    torch.testing.assert_close(match_colors(content, content), content)


def test_match_colors_of_one_color():
    flat = torch.full((1, 3, 4, 4), 0.7, dtype=torch.float64)
    result = match_colors(flat, picture(0))
    torch.testing.assert_close(result[0, :, 0, 0], picture(0).mean((0, 2, 3)))
    assert match_colors(picture(0), flat).isfinite().all()


def test_keep_colors_is_the_swap_of_luma_in_yuv():
    matrix = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]], dtype=torch.float64
    )
    image, content = picture(0), picture(1)
    yuv = torch.einsum("rc,nchw->nrhw", matrix, content)
    yuv[:, :1] = torch.einsum("rc,nchw->nrhw", matrix[:1], image)
    expected = torch.einsum("rc,nchw->nrhw", torch.linalg.inv(matrix), yuv)
    torch.testing.assert_close(keep_colors(image, content), expected, atol=2e-4, rtol=0)


def test_gray_pictures():
    style, content = picture(0)[:, :1], picture(1)[:, :1] ** 2
    result = match_colors(style, content)
    torch.testing.assert_close(result.mean(), content.mean())
    torch.testing.assert_close(result.std(correction=0), content.std(correction=0))
    assert torch.equal(keep_colors(style, content), style)  # a gray picture is all brightness
