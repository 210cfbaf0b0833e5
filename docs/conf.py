"""Settings of the documentation site; `make docs` builds it."""

import os
import re
import sys
import warnings
from pathlib import Path

from docutils import nodes
from math_core import LatexToMathML

os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parent))  # for the callables below, which Sphinx pickles

from skae import __version__

project, author = "skae", "The skae developers"
project_copyright = "The skae developers, BSD-3-Clause"
version = release = __version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "examples/*",
    "benchmarks/reliability",
    "**/sg_execution_times.rst",  # of earlier builds
]
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["skae.css"]
html_math_renderer = "mathml"  # see `formula`
smartquotes = False  # "relu" is a string, to be copied as it stands
default_role = "literal"  # a word in single backticks of a docstring is a name
toc_object_entries_show_parents = "hide"
suppress_warnings = ["config.cache"]  # the settings below hold functions, which are not cached

# Pages

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_theme = "pydata_sphinx_theme"
html_title = "skae"
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 6,  # up to the reference
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    page: []  # it has no pages below it to navigate to
    for page in ("install", "quickstart", "choosing", "deployment", "scaling", "coming_from", "faq")
}
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Reference

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the template of classes lists them
numpydoc_xref_param_type = False


def skip_inherited(app, what, name, member, skip, options):
    """Leave out what scikit-learn documents: get_params, set_output and such."""
    member = getattr(member, "fget", member)  # a property does not tell its module
    module = getattr(member, "__module__", None) or ""
    return True if module.startswith("sklearn") else None


def link_gallery(app, name, source):
    """Lead links to the source of an example, which are for readers of the files, to its page."""
    source[0] = re.sub(r"\]\((?:\.\./)+examples/(plot_\w+)\.py\)", r"](/gallery/\1.rst)", source[0])


def formula(translator, node):
    """Write a formula as MathML, so that pages need neither scripts nor a connection."""
    display = isinstance(node, nodes.math_block)
    mathml = LatexToMathML().convert_with_local_state(node.astext(), displaystyle=display)
    translator.body.append(f'<div class="formula">{mathml}</div>' if display else mathml)
    raise nodes.SkipNode


def setup(app):
    """Connect the functions of this file."""
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("source-read", link_gallery)


# Gallery


def warning_without_path(message, category, *place):
    """Write a warning of an example without the file of the machine on which it ran."""
    return f"{category.__name__}: {message}\n"


warnings.formatwarning = warning_without_path
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 0,
    "plot_gallery": True,
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "within_subsection_order": "FileNameSortKey",
    "copyfile_regex": "",
    "write_computation_times": False,
    "capture_repr": (),  # what is printed, not the names of objects
}
