/**
 * Prepares the cluster of `KUBECONFIG` for `npm run test:cluster`: builds max-cloud's image, pushes it to a new registry on this machine
 * (the cluster's nodes must be able to pull from it, by plain HTTP), and runs `maxcloud cluster install` with it. If Kourier's controller
 * isn't a Deployment of the cluster, the installation says so: restart the controller yourself.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { defaultNamespacePrefix } from "../server/src/base/words/namespacePrefix.ts"
import { buildOwnImage } from "../server/test/network/ownImage.ts"
import { startTestRegistry } from "../server/test/registry/testRegistry.ts"

const root = join(import.meta.dirname, "..")
const tag = "localhost/maxcloud-test:1"

await buildOwnImage(tag)
await using registry = await startTestRegistry()
await registry.push(tag, "maxcloud")
const manifest = await fetch(`http://${registry.host}/v2/maxcloud/manifests/latest`, {
  headers: {
    accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
  }
})
const digest = manifest.headers.get("docker-content-digest")
if (digest === null)
  throw new Error(`The registry returned HTTP ${manifest.status} for the image that was just pushed.`)

const install = spawn(
  process.execPath,
  [
    join(root, "cli/src/main.ts"),
    "cluster",
    "install",
    "--image",
    `${registry.host}/maxcloud@${digest}`,
    "--namespace-prefix",
    defaultNamespacePrefix,
    // Namespaces left behind by an older run have no prefix.
    "--force",
    ...(process.env["MAXCLOUD_TEST_DOMAIN"] === undefined ? [] : ["--domain", process.env["MAXCLOUD_TEST_DOMAIN"]])
  ],
  { stdio: "inherit" }
)
process.exitCode = await new Promise<number>((resolve) => install.once("exit", (code) => resolve(code ?? 1)))
