import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Layer, Redacted, Schema } from "effect"
import { accessAway } from "../../../../../test/images/testAccess.ts"
import { noSources } from "../../../../../test/noSources.ts"
import { missingTools } from "../../../../../test/registry/missingTools.ts"
import { buildNodeImage } from "../../../../../test/registry/scratchImage.ts"
import { dataDirectoryId } from "../../../../base/host/dataDirectoryId.ts"
import { type InstanceSpec, Instances } from "../Instance.ts"
import { layer } from "../instancesLayer.ts"

const run = promisify(execFile)
const podman = async (...args: Array<string>) => (await run("podman", args)).stdout.trim()

const nodeImage = `localhost/maxcloud-test-planted:${process.pid}`
const organizationId = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)
const answering = `require("node:http").createServer((_, response) => response.end(JSON.stringify([process.env, process.argv]))).listen(process.env.PORT)`

let data: string
let count = 0
const specOf = (given: Partial<InstanceSpec>): InstanceSpec => ({
  id: `ins_planted_${process.pid}_${count++}`,
  organizationId,
  ownsMachine: true,
  namespace: "local",
  service: "app",
  revision: "app-00001",
  program: { kind: "image", image: nodeImage },
  command: undefined,
  args: [answering],
  port: 8080,
  env: new Map(),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 256 * 1024 * 1024,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 0,
  startDeadlineMs: 20_000,
  onOutput: () => undefined,
  ...given
})

const withInstances = <A, E>(environment: NodeJS.ProcessEnv, effect: Effect.Effect<A, E, Instances>) =>
  Effect.runPromise(
    Effect.provide(
      effect,
      layer({ dataDirectory: data, environment }).pipe(Layer.provide(Layer.merge(noSources, accessAway)))
    )
  )

/** Starts an instance, waits until it is ready, inspects, and stops it. */
const whileReady = <A>(environment: NodeJS.ProcessEnv, spec: InstanceSpec, look: (url: string) => Promise<A>) =>
  withInstances(
    environment,
    Effect.gen(function* () {
      const instance = yield* (yield* Instances).start(spec)
      return yield* Deferred.await(instance.ready).pipe(
        Effect.zipRight(Effect.promise(() => look(`http://${instance.host}:${instance.port}`))),
        Effect.ensuring(instance.stop)
      )
    })
  )
const failureOf = (spec: InstanceSpec) =>
  withInstances(process.env, Effect.flip(Effect.flatMap(Instances, (instances) => instances.start(spec))))

/** Files below these folders that contain the text and have changed since the test began. */
const filesWith = async (
  text: string,
  folders: ReadonlyArray<string>,
  mark: string
): Promise<ReadonlyArray<string>> => {
  const there = folders.filter((folder) => existsSync(folder))
  const search =
    'text=$1 mark=$2; shift 2; find "$@" -xdev -type f -newer "$mark" -exec grep -laF -e "$text" {} + 2>/dev/null; true'
  const { stdout } = await run("sh", ["-c", search, "sh", text, mark, ...there], { maxBuffer: 64 * 1024 * 1024 })
  return stdout.split("\n").filter((line) => line !== "")
}

describe.skipIf(missingTools("what is left of containers", "podman").length > 0)("values of a tenant", () => {
  let mark: string
  beforeAll(() => buildNodeImage(nodeImage))
  afterAll(() => podman("image", "rm", "--force", nodeImage))
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "planted-"))
    mark = join(data, "mark")
    await writeFile(mark, "")
  })
  afterEach(async () => {
    await withInstances(
      process.env,
      Effect.flatMap(Instances, (instances) => instances.clean)
    )
    await rm(data, { recursive: true, force: true })
  })

  it("reach the program, whatever they contain", async () => {
    const env = new Map<string, string | Redacted.Redacted>([
      ["LINES", Redacted.make("one\ntwo\r\n\tthree\n")],
      ["QUOTES", `"'\`\\$HOME $(id) # = `],
      ["EMPTY", ""],
      ["LONG", "x".repeat(100_000)],
      ["PATH", "/usr/bin:/nowhere"],
      ["HOME", "/of/the/app"]
    ])
    const args = [answering, "", "two\nlines", "$(QUOTES)", "$$(EMPTY)", "$(UNKNOWN)", "$(LINES)", "port $(PORT)"]
    const [seen, argv] = await whileReady(process.env, specOf({ env, args, command: ["node", "-e"] }), async (url) =>
      JSON.parse(await (await fetch(url)).text())
    )
    expect(seen).toMatchObject({ ...Object.fromEntries([...env].filter(([name]) => name !== "LINES")), PORT: "8080" })
    expect(seen.LINES).toBe("one\ntwo\r\n\tthree\n")
    // A secret's value appears in no argument.
    const quotes = env.get("QUOTES")
    expect(argv.slice(1)).toEqual(["", "two\nlines", quotes, "$(EMPTY)", "$(UNKNOWN)", "$(LINES)", "port 8080"])
  })

  it("appear in no environment, argument or working directory of a program on this machine", async () => {
    const planted = randomBytes(16).toString("hex")
    const notes = join(data, "notes")
    const real = (await run("sh", ["-c", "command -v podman"])).stdout.trim()
    await writeFile(
      join(data, "podman"),
      `#!/bin/sh\n{ pwd; tr '\\0' '\\n' < /proc/$$/environ; printf '%s\\n' "$@"; } >> ${notes}\nexec ${real} "$@"\n`,
      { mode: 0o755 }
    )
    const before = process.env["PATH"]
    const env = new Map<string, string | Redacted.Redacted>(
      ["XTABLES_LIBDIR", "LD_PRELOAD", "GCONV_PATH", "NETAVARK_X", "CONTAINERS_CONF", "PODMAN_X", "BASH_ENV"].map(
        (name) => [name, `/${planted}/${name}`]
      )
    )
    env.set("SECRET", Redacted.make(`${planted}-secret`))
    process.env["PATH"] = `${data}:${before}`
    try {
      const server = { ...process.env, XTABLES_LIBDIR: "/of/the/server", NODE_OPTIONS: "--no-warnings", CANARY: "1" }
      const files = new Map([["/run/secrets/token", Redacted.make(`${planted}-file`)]])
      const args = [answering, planted]
      const cmdlines = await whileReady(server, specOf({ env, files, args }), async (url) => {
        expect(await (await fetch(url)).text()).toContain(`/${planted}/XTABLES_LIBDIR`)
        const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name))
        return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "")))
      })
      expect(cmdlines.filter((line) => line.includes(`${planted}-secret`) || line.includes(`${planted}-file`))).toEqual(
        []
      )
    } finally {
      process.env["PATH"] = before
    }
    const noted = await readFile(notes, "utf8")
    expect(noted).toContain("--entrypoint")
    for (const absent of [planted, "XTABLES", "LD_PRELOAD", "NODE_OPTIONS", "CANARY"])
      expect(noted).not.toContain(absent)
  })

  it("are nowhere in the engine's storage while it runs, and nowhere on this machine afterwards", async () => {
    const planted = randomBytes(24).toString("hex")
    const storage = JSON.parse(await podman("info", "--format", "{{json .Store}}"))
    const folders = [storage.graphRoot, storage.runRoot, "/run", "/var/run", "/etc/cni", "/var/lib/cni", data]
    const memory = join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `maxcloud-${await dataDirectoryId(data)}`)
    const spec = specOf({
      env: new Map([
        ["SECRET", Redacted.make(planted)],
        ["TEXT", Redacted.make(`two\n${planted}`)]
      ] as const),
      files: new Map([["/run/secrets/token", Redacted.make(planted)]])
    })
    const inspected = await whileReady(process.env, spec, async (url) => {
      expect(await (await fetch(url)).text()).toContain(planted)
      // Proves that the search finds existing text.
      expect(await filesWith(planted, [memory], mark)).toHaveLength(2)
      expect(await filesWith(planted, folders, mark)).toEqual([])
      return podman("inspect", `maxcloud-${await dataDirectoryId(data)}-${spec.id.toLowerCase()}`)
    })
    expect(inspected).toContain("/.maxcloud/starter")
    expect(inspected).not.toContain(planted)
    expect(await filesWith(planted, [...folders, "/dev/shm", tmpdir()], mark)).toEqual([])
    expect(existsSync(memory)).toBe(false)
  }, 60_000)

  it("can't control the container runtime through an image's annotations", async () => {
    const ordering = `localhost/maxcloud-test-orders:${process.pid}`
    await writeFile(join(data, "Containerfile"), `FROM ${nodeImage}\n`)
    for (const annotation of ["run.oci.hooks.stderr=/tmp/orders", "org.systemd.property.TimeoutStopUSec=uint64 1"]) {
      await podman("build", "--quiet", "--annotation", annotation, "--tag", ordering, data)
      expect(await failureOf(specOf({ program: { kind: "image", image: ordering } }))).toMatchObject({
        reason: "ImageRefused",
        message: expect.stringContaining(annotation.split("=")[0] ?? ""),
        retryable: false
      })
    }
    await podman("image", "rm", "--force", ordering)
  })

  it("can't control the container engine through an image's labels", async () => {
    const ordering = `localhost/maxcloud-test-labels:${process.pid}`
    await writeFile(join(data, "Containerfile"), `FROM ${nodeImage}\n`)
    for (const label of ["io.containers.autoupdate=local", "PODMAN_SYSTEMD_UNIT=sshd.service"]) {
      await podman("build", "--quiet", "--label", label, "--tag", ordering, data)
      expect(await failureOf(specOf({ program: { kind: "image", image: ordering } }))).toMatchObject({
        reason: "ImageRefused",
        message: expect.stringContaining(label.split("=")[0] ?? ""),
        retryable: false
      })
    }
    await podman("image", "rm", "--force", ordering)
  })

  it("name only registry images, never a folder on this machine", async () => {
    await mkdir(join(data, "1"))
    await podman("push", "--quiet", nodeImage, `dir:${join(data, "1/x")}`)
    const before = process.cwd()
    process.chdir(data)
    try {
      const failure = await failureOf(specOf({ program: { kind: "image", image: "dir:1/x" } }))
      expect(failure).toMatchObject({ reason: "RegistryUnreachable" })
    } finally {
      process.chdir(before)
    }
  })
})
