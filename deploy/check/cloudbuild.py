"""Reads a file of Cloud Build with gcloud's own loader, and prints it as JSON.

    PYTHON cloudbuild.py SDK FILE

PYTHON and SDK are those of gcloud info. An unknown key, or a value of another
type than it has, is an error.
"""

import os
import sys

sdk, file = sys.argv[1:]
sys.path[:0] = [os.path.join(sdk, "lib"), os.path.join(sdk, "lib", "third_party")]

# pylint: disable=wrong-import-position
from apitools.base.py import encoding  # noqa: E402
from googlecloudsdk.api_lib.cloudbuild import cloudbuild_util, config  # noqa: E402
from googlecloudsdk.core import exceptions  # noqa: E402

try:
    build = config.LoadCloudbuildConfigFromPath(file, cloudbuild_util.GetMessagesModule(), params={})
except exceptions.Error as wrong:
    sys.exit(str(wrong))
print(encoding.MessageToJson(build))
