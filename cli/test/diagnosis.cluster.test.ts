import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { freePort } from "../../server/test/freePort.ts"
import { buildGoProgram } from "../../server/test/images/goProgram.ts"
import { type ImageRecipe, pushImage } from "../../server/test/images/pushImage.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../server/test/registry/testRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { run } from "./cli.ts"

/** How long a finding may take, from the call of `maxcloud deploy` to its end. */
const limitMillis = 20_000

type Image = "works" | "guarded" | "arm" | "armIndex" | "lies" | "notExecutable" | "noUser" | "incomplete"

interface Broken {
  readonly name: string
  readonly code: DiagnosisCode
  /** One of the pushed images, or a reference in the registry at `HOST`. */
  readonly image?: Image | `HOST/${string}` | `127.0.0.1:1/${string}`
  readonly fields?: Readonly<Record<string, unknown>>
  /** Text that the diagnosis must contain. */
  readonly says?: RegExp
}

const nothing = `sha256:${"0".repeat(64)}`

/** Each is deployed exactly like this, and must get this code. */
const broken: ReadonlyArray<Broken> = [
  { name: "tag-missing", image: "HOST/faulty:nope", code: "ImageNotFound" },
  { name: "digest-missing", image: `HOST/faulty@${nothing}`, code: "ImageNotFound" },
  { name: "guarded", image: "guarded", code: "ImageUnauthorized" },
  { name: "registry-away", image: `127.0.0.1:1/faulty@${nothing}`, code: "RegistryUnreachable" },
  { name: "arm", image: "arm", code: "WrongPlatform" },
  { name: "arm-index", image: "armIndex", code: "WrongPlatform" },
  { name: "arm-that-lies", image: "lies", code: "WrongPlatform" },
  { name: "incomplete", image: "incomplete", code: "ImageLayersMissing" },
  { name: "not-executable", image: "notExecutable", code: "CommandNotExecutable" },
  { name: "user-unknown", image: "noUser", code: "UserUnknown", says: /ghost|user/ },
  { name: "command-path", fields: { command: ["/nothere"] }, code: "CommandNotFound", says: /nothere/ },
  { name: "command-name", fields: { command: ["nothere"] }, code: "CommandNotFound", says: /nothere/ },
  { name: "exit-127", fields: { args: ["-exit", "127"] }, code: "CommandNotFound" },
  {
    name: "crash",
    fields: { args: ["-say", "no database", "-exit", "3"] },
    code: "CrashOnStart",
    says: /exit code 3[\s\S]*no database/
  },
  { name: "signal", fields: { args: ["-exit", "139"] }, code: "CrashOnStart", says: /SIGSEGV/ },
  {
    name: "variable-missing",
    fields: { args: ["-need", "DATABASE_URL"] },
    code: "CrashOnStart",
    says: /DATABASE_URL is not set/
  },
  { name: "exits", fields: { args: ["-exit", "0"] }, code: "ExitedOnStart" },
  { name: "memory", fields: { args: ["-oom", "500"], memory: "64Mi" }, code: "OutOfMemory", says: /memory: "128Mi"/ },
  { name: "port", fields: { args: ["-port", "3000"] }, code: "WrongPort", says: /port 3000, not on 8080/ },
  { name: "port-from-log", fields: { args: ["-port", "47123"] }, code: "WrongPort", says: /47123/ },
  {
    name: "port-and-startup",
    fields: { args: ["-port", "3000"], probes: { startup: { period: "2s", failureThreshold: 3 } } },
    code: "WrongPort"
  },
  {
    name: "readiness-404",
    fields: { args: ["-status", "404"], probes: { readiness: { path: "/healthz" } } },
    code: "ProbeFailing",
    says: /GET \/healthz[\s\S]*404/
  },
  {
    name: "startup-500",
    fields: { args: ["-status", "500"], probes: { startup: { path: "/healthz", period: "2s", failureThreshold: 3 } } },
    code: "ProbeFailing",
    says: /500/
  },
  { name: "too-large", fields: { memory: "240Gi" }, code: "Unschedulable", says: /memory/ }
]

const skip =
  process.env["KUBECONFIG"] === undefined || missingTools("diagnoses on a cluster", "docker-registry").length > 0

describe.skipIf(skip)("diagnoses, by `maxcloud deploy` on a cluster (KUBECONFIG)", () => {
  const stage = `diag-${randomBytes(3).toString("hex")}`
  const folder = mkdtempSync(join(tmpdir(), "diagnosis-"))
  const images = new Map<Image, string>()
  let registry: TestRegistry
  let guarded: TestRegistry
  let server: ServerProcess

  const cli = (...args: ReadonlyArray<string>) =>
    run([...args, "--stage", stage], { env: { MAXCLOUD_API_URL: server.url } })

  const configOf = (name: string, image: string, fields: Readonly<Record<string, unknown>> = {}): string => {
    const path = join(folder, `${name}.json`)
    const service = { name, image, cpu: 0.1, memory: "64Mi", scale: { min: 1 }, ...fields }
    writeFileSync(path, JSON.stringify({ app: name, services: [service] }))
    return path
  }
  const referenceOf = (image: Broken["image"] = "works"): string =>
    image.includes("/") ? image.replace("HOST", registry.host) : (images.get(image as Image) ?? "")

  /** Polls until the answer matches. */
  const until = async <A>(ask: () => Promise<A>, fits: (answer: A) => boolean, millis: number): Promise<A> => {
    const deadline = Date.now() + millis
    for (;;) {
      const answer = await ask()
      if (fits(answer) || Date.now() > deadline) return answer
      await sleep(500)
    }
  }
  const describeService = async (name: string) => (await cli("describe", name, "--json")).stdout

  beforeAll(async () => {
    registry = await startTestRegistry()
    guarded = await startTestRegistry("users")
    const [amd64, arm64] = await Promise.all([buildGoProgram("faulty", "amd64"), buildGoProgram("faulty", "arm64")])
    const program = { path: "/faulty", content: amd64 }
    const recipes: Readonly<Record<Image, ImageRecipe>> = {
      works: { files: [program] },
      guarded: { files: [program] },
      arm: { files: [{ ...program, content: arm64 }], architecture: "arm64" },
      armIndex: { files: [{ ...program, content: arm64 }], architecture: "arm64", index: true },
      lies: { files: [{ ...program, content: arm64 }] },
      notExecutable: { files: [{ ...program, mode: 0o644 }] },
      noUser: { files: [program], user: "ghost" },
      incomplete: { files: [program, { path: "/more", content: randomBytes(64) }] }
    }
    const credentials = `${testUser.username}:${testUser.password}`
    for (const image of Object.keys(recipes) as ReadonlyArray<Image>) {
      const name = image === "works" ? "faulty" : image.toLowerCase()
      const pushed =
        image === "guarded"
          ? await pushImage(recipes[image], { host: guarded.host, name, tag: "1", credentials })
          : await pushImage(recipes[image], { host: registry.host, name, tag: "1" })
      images.set(image, pushed.reference)
      if (image === "incomplete") await registry.removeBlob(pushed.layerDigest)
    }
    const registries = [registry.host, guarded.host, "127.0.0.1:1"].join(",")
    server = new ServerProcess(await freePort(), {
      MAXCLOUD_INSECURE_REGISTRIES: registries,
      MAXCLOUD_PRIVATE_REGISTRIES: registries,
      MAXCLOUD_RUNTIME: "kubernetes",
      KUBECONFIG: process.env["KUBECONFIG"]
    })
    await server.start()
  }, 120_000)

  afterAll(async () => {
    for (const app of ["sick", "dies"]) await cli("destroy", app, "--yes").catch(() => undefined)
    await server?.end("SIGTERM")
    server?.remove()
    await registry?.[Symbol.asyncDispose]()
    await guarded?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }, 300_000)

  it.each(broken)("$name: $code", { timeout: 90_000 }, async ({ code, fields, image, name, says }) => {
    const config = configOf(name, referenceOf(image), fields)
    const begun = Date.now()
    const outcome = await cli("deploy", "-f", config, "--fail-fast")
    const millis = Date.now() - begun
    // A service that doesn't start is retried, and uses resources meanwhile.
    await cli("destroy", name, "--yes")
    const text = outcome.stdout + outcome.stderr
    console.log(`${name}: ${code} after ${(millis / 1000).toFixed(1)} s (exit ${outcome.code})`)
    expect(text).toContain(code)
    if (says !== undefined) expect(text).toMatch(says)
    // Refused in the plan, or the registry may come back, or it failed at run time, or waiting may help.
    expect([2, 3, 7, 8, 9]).toContain(outcome.code)
    expect(millis).toBeLessThan(limitMillis)
  })

  it("sick: LivenessFailing, after it was ready", { timeout: 90_000 }, async () => {
    const probes = { liveness: { path: "/healthz", period: "2s", failureThreshold: 2 } }
    const config = configOf("sick", referenceOf(), { args: ["-sick-after", "4s"], probes })
    await cli("deploy", "-f", config)
    const found = await until(
      () => describeService("sick"),
      (text) => text.includes("LivenessFailing"),
      60_000
    )
    expect(found).toContain("LivenessFailing")
  })

  it("dies: CrashAfterReady, degraded", { timeout: 90_000 }, async () => {
    const config = configOf("dies", referenceOf(), { args: ["-exit-after", "5s"] })
    await cli("deploy", "-f", config)
    const found = await until(
      () => describeService("dies"),
      (text) => text.includes("CrashAfterReady"),
      60_000
    )
    expect(found).toContain("CrashAfterReady")
  })
})
