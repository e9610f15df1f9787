"""The table of networks that are known by name."""

from retrainer.backbones.architectures import Architecture, architectures, good_trades


def test_every_row_says_where_its_figures_come_from() -> None:
    rows = architectures().values()
    families = {row.family for row in rows}
    assert families >= {"MobileNet V1", "MobileNet V2", "MobileNet V3", "EfficientNet-Lite", "EfficientNet V2"}
    for row in rows:
        assert "https://" in row.figures_from
        assert row.handle.startswith("https://tfhub.dev/")
        assert row.licence == "Apache-2.0"
        assert 96 <= row.input_size <= 384
        assert 40 < row.top1 < 90
        if row.keras:
            assert row.keras.weights.startswith("https://storage.googleapis.com/tensorflow/keras-applications/")
    assert len({row.handle for row in rows}) == len(rows)


def test_a_good_trade_is_beaten_by_no_other() -> None:
    def row(name: str, cost: float, top1: float) -> Architecture:
        return Architecture(name, "", 1, 1, 1, cost, top1, "", "", "", None)

    rows = [row("dear", 9, 70), row("best", 9, 71), row("cheap", 1, 50), row("worse", 2, 49), row("same", 1, 50)]
    assert good_trades(rows) == {"cheap", "best"}
    assert 5 < len(good_trades(architectures().values())) < 25
