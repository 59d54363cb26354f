"""What the loader lets through, the model takes: nothing is left for pydantic to refuse."""

from hpcrun.loading.job_shape import JOB, OCI_ARCHITECTURES
from hpcrun.loading.owned_settings import owned_options, owned_variables
from hpcrun.loading.site_shape import SITE
from hpcrun.model.job import Job, Resources, Submit
from hpcrun.model.site import Site
from hpcrun.tables import architectures


def test_job_file_has_a_key_for_each_field() -> None:
    assert set(JOB.fields) == set(Job.model_fields) - {"file"}


def test_profile_has_a_key_for_each_field() -> None:
    assert set(SITE.fields) == set(Site.model_fields) - {"file", "sources", "unknowns"}


def test_processors_of_an_image_are_those_of_the_table() -> None:
    assert set(OCI_ARCHITECTURES) == {row.oci for row in architectures().rows}


def test_owned_options_name_keys_that_exist() -> None:
    keys = {
        *JOB.fields,
        *(f"submit.{name}" for name in Submit.model_fields),
        *(
            f"resources.{name.removesuffix('_mib').removesuffix('_s')}"
            for name in Resources.model_fields
        ),
    }
    named = {
        option.instead.split("`")[1]
        for option in owned_options()
        if option.instead.startswith("use")
    }
    assert named - keys == set()


def test_owned_variables_say_why_and_what_instead() -> None:
    assert all(variable.why and variable.instead for variable in owned_variables())
