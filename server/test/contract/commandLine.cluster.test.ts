import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kindOf, kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { asAdmin, type ClusterHarness, ingress, startClusterHarness } from "./clusterHarness.ts"
import { ask, until } from "./requests.ts"

const root = join(import.meta.dirname, "../../..")

/** `maxcloud …` as its own process. */
const maxcloud = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [join(root, "cli/src/main.ts"), ...args], {
      env: { ...process.env, NO_COLOR: "1", ...environment }
    })
    let [stdout, stderr] = ["", ""]
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.on("close", (code) => resolve({ code, stdout, stderr }))
  })

const Exported = Schema.parseJson(
  Schema.Struct({
    manifests: Schema.Array(
      Schema.Struct({
        apiVersion: Schema.String,
        kind: Schema.String,
        metadata: Schema.Struct({ name: Schema.String, namespace: Schema.optional(Schema.String) })
      }).pipe(Schema.extend(Schema.Record({ key: Schema.String, value: Schema.Unknown })))
    )
  })
)
const Url = Schema.Struct({ status: Schema.Struct({ url: Schema.String }) })

describeCluster("the command line on the cluster of KUBECONFIG", () => {
  let harness: ClusterHarness

  beforeAll(async () => {
    harness = await startClusterHarness("line")
  }, 120_000)
  afterAll(() => harness?.close())

  it.concurrent("deploys an image that answers through the ingress, and exits with 8 if it doesn't start, by --fail-fast", async () => {
    const server = { MAXCLOUD_API_URL: harness.server.url }
    const deploy = (...env: ReadonlyArray<string>) =>
      maxcloud(
        [
          "deploy",
          "--name",
          "hey",
          harness.image,
          "--port",
          "8080",
          "--fail-fast",
          ...env.flatMap((value) => ["--env", value])
        ],
        server
      )
    const deployed = await deploy("VERSION=first")
    expect(deployed.code, deployed.stderr).toBe(0)
    const url = /http:\S+/.exec(deployed.stdout)?.[0] ?? expect.unreachable(deployed.stdout)
    expect((await ask(ingress, url)).body).toMatch(/^first /)

    const failed = await deploy("FAIL=no key")
    expect(failed.code, failed.stderr).toBe(8)
    expect(failed.stderr).toContain("CrashOnStart")
    expect(failed.stderr).toContain("cannot start: no key")
    expect((await ask(ingress, url)).body).toMatch(/^first /)
  }, 120_000)

  it.concurrent("exports manifests that run, with a link, in a namespace that max-cloud doesn't know", async () => {
    const namespace = `${harness.organization}-plain`
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-export-"))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    // Without max-cloud, Knative's controller resolves tags, and it may not reach this registry.
    const image = await harness.server.client
      .deploy({ app: "pinned", services: [{ name: "pinned", image: harness.image, cpu: 0.2, memory: "64Mi" }] })
      .then(() => harness.server.client.services.revisions("pinned"))
      .then(([revision]) => revision?.image ?? expect.unreachable("no revision"))
    writeFileSync(
      join(folder, "maxcloud.config.ts"),
      `import { defineConfig, service } from "@maxcloud/sdk/config"
const small = { image: ${JSON.stringify(image)}, cpu: 0.2, memory: "64Mi" } as const
const behind = service("behind", { ...small, visibility: "internal", env: { VERSION: "behind" } })
const front = service("front", { ...small, env: { VERSION: "front", TARGET: behind.url } })
export default defineConfig({ app: "shop", services: [front, behind] })
`
    )
    const path = pathOf(kinds.namespace, undefined, namespace)
    const apply = (object: unknown, at: string) =>
      asAdmin({
        method: "PATCH",
        path: at,
        query: { fieldManager: "kubectl", force: "true", fieldValidation: "Strict" },
        body: object,
        contentType: "application/apply-patch+yaml"
      })
    try {
      const args = ["export", "--json", "--namespace", namespace, "--config", join(folder, "maxcloud.config.ts")]
      const { code, stderr, stdout } = await maxcloud(args)
      expect(code, stderr).toBe(0)
      await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, path)
      for (const manifest of Schema.decodeUnknownSync(Exported)(stdout).manifests) {
        const kind = kindOf(manifest) ?? expect.unreachable(`${manifest.kind} is not known`)
        await apply(manifest, pathOf(kind, namespace, manifest.metadata.name))
      }
      const front = pathOf(kinds.service, namespace, "front")
      const url = await until(
        "its URL",
        async () =>
          Schema.decodeUnknownOption(Url)(await asAdmin({ method: "GET", path: front })).pipe((found) =>
            found._tag === "Some" ? found.value.status.url : ""
          ),
        (one) => one !== ""
      )
      await until(
        "its answer",
        () => ask(ingress, url),
        (one) => one.status === 200 && one.body.startsWith("front ")
      )
      await until(
        "through its link",
        () => ask(ingress, url, "/call"),
        (one) => one.status === 200 && one.body.startsWith("behind ")
      )
    } finally {
      await asAdmin({ method: "DELETE", path }).catch(() => undefined)
      rmSync(folder, { recursive: true, force: true })
    }
  }, 120_000)

  it.concurrent("runs services in gVisor if the operator says so", async () => {
    const sandboxed = await startClusterHarness("gvisor", { MAXCLOUD_RUNTIME_CLASS: "gvisor" })
    try {
      await sandboxed.server.client.deploy({
        app: "inside",
        services: [{ name: "inside", ...sandboxed.workload, cpu: 0.5, memory: "128Mi", scale: { min: 1 } }]
      })
      const { url } = (await sandboxed.server.client.services.get("inside")).status
      const { body } = await ask(ingress, url ?? expect.unreachable("no URL"), "/kernel")
      expect(body, "gVisor's own kernel").toBe("4.4.0")
    } finally {
      await sandboxed.close()
    }
  }, 180_000)
})
