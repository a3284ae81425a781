import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, ManagedRuntime, Schema } from "effect"
import { KubeApi } from "../../server/src/runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../server/src/runtimes/kubeApi/kinds.ts"
import { freePort } from "../../server/test/freePort.ts"
import { layerTest } from "../../server/test/kubeApi/testCluster.ts"
import { findTool } from "../../server/test/registry/missingTools.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { run } from "./cli.ts"

/** How long a verdict may take, from the call of `maxcloud deploy` to its end. */
const limitMillis = 20_000

const missing = [
  ...["external-secrets", "bao"].filter((name) => findTool(name) === undefined),
  ...(process.env["KUBECONFIG"] === undefined ? ["KUBECONFIG"] : [])
]
if (missing.length > 0) console.warn(`Skipped: secrets from a store (missing: ${missing.join(", ")})`)

const id = randomBytes(4).toString("hex")
const store = `maxcloud-test-${id}`
const storeNamespace = `maxcloud-store-${id}`
const stage = `eso-${id}`
const namespace = `mc-${stage}--local`
const token = randomBytes(12).toString("hex")
const folder = mkdtempSync(join(tmpdir(), "maxcloud-eso-"))
const children: Array<ChildProcess> = []
let vault = ""
let server: ServerProcess

const cluster = ManagedRuntime.make(layerTest)
const ask = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown) =>
  cluster.runPromise(
    Effect.flatMap(KubeApi, (kubeApi) => kubeApi.request({ method, path, ...(body === undefined ? {} : { body }) }))
  )

const Objects = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, uid: Schema.String }),
      data: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
    })
  )
})
const list = async (kind: keyof typeof kinds) => {
  const { items } = Schema.decodeUnknownSync(Objects)(await ask("GET", pathOf(kinds[kind], namespace)))
  return items
}
/** Secrets of the service, with their values. */
const values = async () =>
  (await list("secret"))
    .filter((object) => object.metadata.name.startsWith("web--"))
    .map(({ data }) =>
      Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")])
      )
    )

/** Polls until the answer matches. */
const until = async <A>(question: () => Promise<A>, fits: (answer: A) => boolean): Promise<A> => {
  for (let left = 300; ; left--) {
    const answer = await question()
    if (fits(answer) || left === 0) return answer
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const begin = (program: string, args: ReadonlyArray<string>, ready: RegExp) =>
  new Promise<void>((resolve, reject) => {
    const child = spawn(findTool(program) ?? program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: process.env["KUBECONFIG"] }
    })
    children.push(child)
    let output = ""
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-100_000)
      if (ready.test(output)) resolve()
    }
    child.stdout.on("data", take)
    child.stderr.on("data", take)
    child.on("exit", () => reject(new Error(output)))
  })

const put = async (name: string, value: string) => {
  const response = await fetch(`${vault}/v1/secret/data/local/shop/${stage}/${name}`, {
    method: "POST",
    headers: { "x-vault-token": token },
    body: JSON.stringify({ data: { value } })
  })
  expect(response.status).toBe(200)
}

const config = join(folder, "shop.json")
const cli = (...args: ReadonlyArray<string>) =>
  run(args, { env: { MAXCLOUD_API_URL: server.url, MAXCLOUD_STAGE: stage }, stdin: "a value\n", cwd: folder })
const deploy = async () => {
  const begun = Date.now()
  const outcome = await cli("deploy", "-f", config)
  const millis = Date.now() - begun
  return { ...outcome, text: outcome.stdout + outcome.stderr, millis }
}

describe.skipIf(missing.length > 0)("secrets of a store, by the External Secrets Operator and OpenBao", () => {
  beforeAll(async () => {
    const port = await freePort()
    vault = `http://127.0.0.1:${port}`
    await begin(
      "bao",
      ["server", "-dev", `-dev-root-token-id=${token}`, `-dev-listen-address=127.0.0.1:${port}`, "-dev-no-store-token"],
      /Development mode should NOT be used in production/
    )
    await ask("POST", pathOf(kinds.namespace), {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: storeNamespace }
    })
    await ask("POST", pathOf(kinds.secret, storeNamespace), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "vault" },
      stringData: { token }
    })
    await ask("POST", "/apis/external-secrets.io/v1/clustersecretstores", {
      apiVersion: "external-secrets.io/v1",
      kind: "ClusterSecretStore",
      metadata: { name: store },
      spec: {
        provider: {
          vault: {
            server: vault,
            path: "secret",
            version: "v2",
            auth: { tokenSecretRef: { name: "vault", key: "token", namespace: storeNamespace } }
          }
        }
      }
    })
    await begin(
      "external-secrets",
      [
        "--metrics-addr=127.0.0.1:0",
        "--enable-cluster-external-secret-reconciler=false",
        "--enable-push-secret-reconciler=false",
        "--enable-cluster-push-secret-reconciler=false"
      ],
      /Starting workers[^\n]*"externalsecret"/
    )
    server = new ServerProcess(await freePort(), {
      MAXCLOUD_RUNTIME: "kubernetes",
      KUBECONFIG: process.env["KUBECONFIG"],
      MAXCLOUD_EXTERNAL_SECRET_STORE: store
    })
    await server.start()
    const env = {
      API_KEY: { secret: "API_KEY" },
      DATABASE_URL: { join: ["postgres://{{ shop }}:", { secret: "PASSWORD" }, "@db/shop"] }
    }
    const service = { name: "web", image: "dev.local/hello:1", cpu: 0.1, memory: "64Mi", scale: { min: 1 }, env }
    writeFileSync(config, JSON.stringify({ app: "shop", services: [service] }))
  }, 120_000)

  afterAll(async () => {
    if (missing.length > 0) return
    if (server !== undefined) await cli("destroy", "shop", "--yes").catch(() => undefined)
    for (const path of [
      `/apis/external-secrets.io/v1/clustersecretstores/${store}`,
      pathOf(kinds.namespace, undefined, storeNamespace),
      pathOf(kinds.namespace, undefined, namespace)
    ]) {
      await ask("DELETE", path).catch(() => undefined)
    }
    await server?.end("SIGTERM")
    server?.remove()
    for (const child of children) child.removeAllListeners("exit").kill("SIGTERM")
    await cluster.dispose()
    rmSync(folder, { recursive: true, force: true })
  }, 120_000)

  it("plan shows the origin of the values", async () => {
    const { code, stderr, stdout } = await cli("plan", "-f", config)
    expect(stdout + stderr).toContain(`API_KEY from local/shop/${stage}/API_KEY#value`)
    expect(code).toBe(0)
  })

  it("a value missing from the store fails the deployment, naming its key", async () => {
    await put("API_KEY", "first")
    const { code, millis, text } = await deploy()
    console.log(`SecretMissing after ${(millis / 1000).toFixed(1)} s (exit ${code})`)
    expect(text).toContain(`Nothing is stored under the key local/shop/${stage}/PASSWORD#value`)
    expect(text).toContain("SecretMissing")
    expect(code).toBe(7)
    expect(millis).toBeLessThan(limitMillis)
    expect(await list("service")).toEqual([])
  })

  it("the service gets the stored value, and the manifests don't contain it", async () => {
    await put("PASSWORD", "hunter2")
    const { code, millis, text } = await deploy()
    console.log(`deployed after ${(millis / 1000).toFixed(1)} s`)
    expect(code, text + server.output).toBe(0)
    expect(await until(values, (one) => one.length === 1)).toEqual([
      { API_KEY: "first", "env.DATABASE_URL": "postgres://{{ shop }}:hunter2@db/shop" }
    ])
    expect(JSON.stringify(await ask("GET", pathOf(kinds.externalSecret, namespace)))).not.toMatch(/hunter2|first/)
  })

  it("the next deployment rereads it, and removes the old value", async () => {
    await put("PASSWORD", "hunter3")
    const { code, text } = await deploy()
    expect(code, text).toBe(0)
    expect(await until(values, (one) => one.length === 1)).toMatchObject([
      { "env.DATABASE_URL": "postgres://{{ shop }}:hunter3@db/shop" }
    ])
    expect(await list("externalSecret")).toHaveLength(1)
  })

  it("a deleted ExternalSecret is restored", async () => {
    const [before] = await list("externalSecret")
    await ask("DELETE", pathOf(kinds.externalSecret, namespace, before?.metadata.name))
    const [after] = await until(
      () => list("externalSecret"),
      ([_]) => _ !== undefined && _.metadata.uid !== before?.metadata.uid
    )
    expect(after?.metadata.name).toBe(before?.metadata.name)
    const { stdout } = await until(
      () => cli("drift", "--app", "shop"),
      (one) => one.stdout.includes("ExternalSecret")
    )
    expect(stdout).toContain("ExternalSecret")
  })

  it("secrets set is refused, and says where to put the value", async () => {
    const { code, stderr } = await cli("secrets", "set", "API_KEY", "--app", "shop")
    expect(stderr).toContain(`local/shop/${stage}/API_KEY#value`)
    expect(code).toBe(6)
  })

  it("destroy leaves nothing behind", async () => {
    const { code, stderr } = await cli("destroy", "shop", "--yes")
    expect(code, stderr).toBe(0)
    expect(await until(values, (one) => one.length === 0)).toEqual([])
    expect(await list("externalSecret")).toEqual([])
  })
})
