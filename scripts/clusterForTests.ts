/**
 * Makes the cluster of `KUBECONFIG` ready for `npm run test:cluster`: builds max-cloud's own image, pushes it to a registry of its own on
 * this machine (the cluster's nodes must be able to pull from it, by plain HTTP), and runs `maxcloud cluster install` with it. Where
 * Kourier's controller is no Deployment of the cluster it says so: start that one anew.
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
if (digest === null) throw new Error(`the registry has no such image: HTTP ${manifest.status}`)

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
    // Namespaces that an older run has left behind have no prefix.
    "--force",
    ...(process.env["MAXCLOUD_TEST_DOMAIN"] === undefined ? [] : ["--domain", process.env["MAXCLOUD_TEST_DOMAIN"]])
  ],
  { stdio: "inherit" }
)
process.exitCode = await new Promise<number>((resolve) => install.once("exit", (code) => resolve(code ?? 1)))
