import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { PageSetup } from "./runPage.ts"

const example = (path: string) => readFileSync(join(import.meta.dirname, "../../server/test/docs", path), "utf8")

const program = `require("node:http").createServer((_, response) => response.end("hello")).listen(process.env.PORT)\n`
const source = (folder: string) => ({
  [`${folder}/package.json`]: JSON.stringify({ scripts: { start: "node server.js" } }),
  [`${folder}/server.js`]: program
})
const shop = {
  ...source("web"),
  "maxcloud.config.yaml":
    "app: shop\nservices:\n  - name: web\n    source: { path: ./web }\noutputs: { url: { service: web, property: publicUrl } }\n"
}
const registered = "maxcloud auth register --email ada@example.com --org acme --bootstrap-token-stdin < token.txt"

/** An OCI layout with the image that others are built on: a stub of Node. */
const baseLayout = `
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
mkdirSync("root/usr/bin", { recursive: true })
mkdirSync("base/blobs/sha256", { recursive: true })
writeFileSync("root/usr/bin/node", "", { mode: 0o755 })
const layer = execFileSync("tar", ["-c", "-C", "root", "."])
const hex = (content) => createHash("sha256").update(content).digest("hex")
const put = (mediaType, content) => {
  writeFileSync("base/blobs/sha256/" + hex(content), content)
  return { mediaType, digest: "sha256:" + hex(content), size: Buffer.byteLength(content) }
}
const type = (name) => "application/vnd.oci.image." + name
const architecture = process.arch === "x64" ? "amd64" : process.arch
const layers = [put(type("layer.v1.tar"), layer)]
const rootfs = { type: "layers", diff_ids: [layers[0].digest] }
const config = put(type("config.v1+json"), JSON.stringify({ os: "linux", architecture, rootfs }))
const manifest = put(type("manifest.v1+json"), JSON.stringify({ schemaVersion: 2, config, layers }))
writeFileSync("base/oci-layout", '{"imageLayoutVersion":"1.0.0"}')
writeFileSync("base/index.json", JSON.stringify({ schemaVersion: 2, manifests: [manifest] }))
`

/** Pages whose commands the tests run, and what each needs beforehand. */
export const pageSetups: Readonly<Record<string, PageSetup>> = {
  "README.md": { server: "local" },
  "cli/README.md": { server: "local" },
  "docs/index.md": { server: "local" },
  "docs/api.md": {
    server: "local",
    files: shop,
    before: "maxcloud deploy",
    replace: [
      [/deployments\/12\//g, "deployments/1/"],
      [/"fromDeployment": 12/g, '"fromDeployment": 1']
    ]
  },
  "docs/api-rules.md": { server: "local" },
  "docs/monitoring.md": { server: "local" },
  "docs/audit.md": {
    server: "local",
    before: `
echo value | maxcloud secrets set A --app shop
maxcloud audit export | head -n 1 | sed 's/.*"publicKey":"\\([^"]*\\)".*/\\1/; s/\\\\n/\\n/g' > key.pem
maxcloud audit export --out first.jsonl
grep '^{"checkpoint"' first.jsonl | tail -n 1 > earlier.jsonl`,
    replace: [[/repair acme/g, "repair local"]]
  },
  "docs/auth.md": { server: "accounts", replace: [[/api-keys delete KEY\b/g, "api-keys list"]] },
  "docs/compatibility.md": { server: "local" },
  "docs/effect.md": { server: "local" },
  "docs/frameworks.md": { server: "local", files: shop },
  "docs/images.md": { server: "local", files: { ...shop, "base.mjs": baseLayout }, before: "node base.mjs" },
  "docs/many-apps.md": {
    server: "local",
    files: {
      "billing/maxcloud.config.ts": example("manyApps/billing.config.ts"),
      "shop/maxcloud.config.ts": example("manyApps/shop.config.ts"),
      "tools/a/maxcloud.config.yaml": "app: tool\nservices: [{ name: tool, source: ./tool }]\n",
      ...source("billing/api"),
      ...source("shop/web"),
      ...source("tools/a/tool")
    },
    before: `
git init -q -b main && git add . && git commit -q -m first && git update-ref refs/remotes/origin/main HEAD`
  },
  "docs/operating.md": { server: "accounts", before: registered },
  "docs/plans.md": {
    server: "local",
    files: shop,
    replace: [[/deployments show 12/g, "deployments show 1"]]
  },
  "docs/policies.md": { server: "accounts", files: shop, before: registered },
  "docs/privacy.md": { server: "accounts", before: registered },
  "docs/reference/errors.md": { server: "local" },
  "docs/reference/events.md": { server: "local" },
  "docs/reference/exports.md": { server: "accounts", before: registered },
  "docs/registry.md": {
    server: "local",
    environment: { REGISTRY_URL: "registry.example.com" },
    before: "export XDG_RUNTIME_DIR=$HOME"
  },
  "docs/secrets.md": {
    server: "local",
    files: {
      ...source("web"),
      "maxcloud.config.yaml":
        "app: shop\nservices:\n  - name: web\n    source: ./web\n    env: { DATABASE_URL: { secret: DATABASE_URL } }\n",
      file: "value",
      ".env.production": "DATABASE_URL=postgres://db\nSMTP_URL=smtp://mail\nSENTRY_DSN=https://sentry\n"
    },
    before: "echo value | maxcloud secrets set DATABASE_URL --stage dev"
  },
  "docs/testing.md": { server: "local" }
}

/** Pages whose blocks other tests run, or that are generated from tested sources. `examples`: that folder. */
const elsewhere: Readonly<Record<string, string>> = {
  "docs/getting-started.md": "npm run test:packed, from packed packages",
  "docs/clients.md": "the tests of generated clients, with packages of other languages",
  "docs/reference/cli.md": "generated from the commands' own examples",
  "CONTRIBUTING.md": "about this repository",
  examples: "server/test/examples/examples.test.ts"
}

export const isElsewhere = (page: string): boolean =>
  Object.keys(elsewhere).some((known) => page === known || page.startsWith(`${known}/`))
