"""What findings are called in lines and on pages."""

from retrainer.photos.clean_list.finding import Kind

KIND_NAMES: dict[Kind, tuple[str, str]] = {
    Kind.LABEL: ("Wrong label", "Wrong labels"),
    Kind.COPY: ("Copy", "Copies"),
    Kind.OUTLIER: ("Of no class", "Of no class"),
    Kind.UNREADABLE: ("Unreadable", "Unreadable"),
    Kind.EXTENSION: ("Wrong extension", "Wrong extensions"),
    Kind.DARK: ("Dark", "Dark"),
    Kind.LIGHT: ("Light", "Light"),
    Kind.BLURRY: ("Blurred", "Blurred"),
    Kind.EMPTY: ("Empty", "Empty"),
    Kind.SHAPE: ("Odd shape", "Odd shapes"),
    Kind.SMALL_CLASS: ("Small class", "Small classes"),
    Kind.SAME_CLASS: ("Classes alike", "Classes alike"),
    Kind.OTHER: ("Other", "Other"),
}
"""Kind -> what one finding is called, and several."""
