import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Deferred, Effect, Layer, ManagedRuntime, Schema } from "effect"
import { privateAuthority } from "../../../../../../sdk/test/testProxy.ts"
import { accessAway } from "../../../../../test/images/testAccess.ts"
import { noSources } from "../../../../../test/noSources.ts"
import { missingTools } from "../../../../../test/registry/missingTools.ts"
import { buildBusyboxImage } from "../../../../../test/registry/scratchImage.ts"
import { failureOfExit } from "../../revisions/failures.ts"
import { type Instance, type InstanceFailed, type InstanceSpec, Instances } from "../Instance.ts"
import { layer } from "../instancesLayer.ts"
import { starterPrograms } from "../starter/starterPrograms.ts"
import { instanceLabel } from "./labels.ts"

const podman = async (...args: Array<string>) => (await promisify(execFile)("podman", args)).stdout.trim()

const organizationId = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)
const tagOf = (name: string) => `localhost/maxcloud-test-${name}:${process.pid}`
const tools = tagOf("tools")
const stranger = tagOf("stranger")
const plainUser = tagOf("user")
const exposing = tagOf("exposing")

// A program for the other architecture that the project supports.
const foreign = Buffer.from(starterPrograms[process.arch === "arm64" ? "amd64" : "arm64"].join(""), "base64")
const file = (content: string | Buffer, mode = 0o755) => ({ content, mode })
const files = {
  "/t/foreign": file(foreign),
  "/t/foreign.sh": file("#!/t/foreign\n"),
  "/t/runs-foreign.py": file("#!/bin/sh\necho '/t/foreign: Exec format error' >&2; exit 1\n"),
  "/t/nobash.sh": file("#!/bin/bash\necho hi\n"),
  "/t/windows.sh": file("#!/bin/sh\r\necho hi\r\n"),
  "/t/plain": file("echo hi\n"),
  "/t/closed.sh": file("#!/bin/sh\necho hi\n", 0o644),
  // In the words of s6-overlay.
  "/t/picky": file(
    '#!/bin/sh\n[ $$ = 1 ] || { echo "picky: fatal: can only run as pid 1" >&2; exit 100; }\nexec httpd -f -p $PORT\n'
  ),
  "/www/index.html": file("hello\n", 0o644)
}

let data: string
let runtime: ManagedRuntime.ManagedRuntime<Instances, InstanceFailed>
let started: Array<Instance> = []

let count = 0
const specOf = (command: ReadonlyArray<string> | undefined, given: Partial<InstanceSpec> = {}): InstanceSpec => ({
  id: `why_${process.pid}_${count++}`,
  organizationId,
  ownsMachine: true,
  namespace: "local",
  service: "app",
  revision: "app-00001",
  program: { kind: "image", image: tools },
  command,
  args: undefined,
  port: 8080,
  env: new Map(),
  files: new Map(),
  cpuMilli: 1000,
  memoryBytes: 64 * 2 ** 20,
  startup: undefined,
  readiness: undefined,
  liveness: undefined,
  graceMs: 2_000,
  startDeadlineMs: 30_000,
  onOutput: () => undefined,
  ...given
})
const start = async (spec: InstanceSpec) => {
  const instance = await runtime.runPromise(Effect.flatMap(Instances, (instances) => instances.start(spec)))
  started.push(instance)
  return instance
}
const failure = (spec: InstanceSpec) =>
  runtime.runPromise(
    Effect.flip(
      Effect.flatMap(Instances, (instances) => instances.start(spec)).pipe(
        Effect.flatMap((found) => Deferred.await(found.ready))
      )
    )
  )
const ready = (instance: Instance) => Effect.runPromise(Deferred.await(instance.ready))
const exited = (instance: Instance) => Effect.runPromise(Deferred.await(instance.exited))
const containerOf = (instance: Instance) =>
  podman("ps", "--all", "--quiet", "--filter", `label=${instanceLabel}=${instance.id}`)
const serving = ["httpd", "-f", "-p", "8080", "-h", "/www"]

describe.skipIf(missingTools("reasons of containers", "podman", "busybox").length > 0)("an image's container", () => {
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), "reasons-"))
    runtime = ManagedRuntime.make(
      layer({ dataDirectory: data }).pipe(Layer.provide(Layer.merge(noSources, accessAway)))
    )
    await buildBusyboxImage(tools, { files })
    await buildBusyboxImage(stranger, { lines: ["USER nobody9", 'CMD ["sh"]'] })
    await buildBusyboxImage(plainUser, { lines: ["USER app", 'CMD ["httpd", "-f", "-p", "80", "-h", "/bin"]'] })
    await buildBusyboxImage(exposing, {
      files,
      lines: [
        "EXPOSE 7001 7002 9229 8443",
        "HEALTHCHECK CMD wget -q http://localhost:7002/index.html",
        "VOLUME /data",
        `CMD ["sh", "-c", "nc -ll -p 7001 -e sh -c 'read x; echo no' & nc -ll -p 9229 -e echo & exec httpd -f -p 7002 -h /www"]`
      ]
    })
  }, 120_000)
  afterAll(async () => {
    await runtime.runPromise(
      Effect.flatMap(Instances, (instances) => instances.removeNamespace({ organizationId, namespace: "local" }))
    )
    await runtime.dispose()
    await podman("image", "rm", "--force", tools, stranger, plainUser, exposing)
    await rm(data, { recursive: true, force: true })
  }, 60_000)
  afterEach(async () => {
    await Promise.all(started.map((each) => Effect.runPromise(each.stop)))
    started = []
  })

  it.concurrent.each<[string, ReadonlyArray<string>, string, RegExp]>([
    ["a program of another processor", ["/t/foreign"], "WrongPlatform", /another kind of machine/],
    [
      "a script whose interpreter is of another processor",
      ["/t/foreign.sh"],
      "WrongPlatform",
      /interpreter \/t\/foreign /
    ],
    ["a program of another processor inside", ["/t/runs-foreign.py"], "WrongPlatform", /another kind of machine/],
    [
      "a shell that takes such a program for a script",
      ["sh", "-c", "/t/foreign; exit 2"],
      "WrongPlatform",
      /another kind/
    ],
    ["a missing interpreter", ["nobash.sh"], "CommandNotFound", /interpreter \/bin\/bash .*isn't in the image/],
    ["Windows line endings", ["/t/windows.sh"], "CommandNotFound", /Windows line endings/],
    ["a file that is neither", ["/t/plain"], "CommandNotExecutable", /neither a program nor a script/],
    ["a file without its executable bit", ["/t/closed.sh"], "CommandNotExecutable", /permission denied/],
    ["a missing file", ["/t/absent"], "CommandNotFound", /no such file/]
  ])("explains %s", async (_, command, reason, words) => {
    const env = new Map([["PATH", "/bin:/t"]])
    const found = await failure(specOf(command, { env }))
    expect(found).toMatchObject({ reason, message: expect.stringMatching(words) })
    if (found.exitCode === undefined) expect(found.retryable).toBe(false)
  })

  it("can't come from a registry with an unknown authority, and says so", async () => {
    const authority = privateAuthority("127.0.0.1")
    const registry = createServer(authority.tls, (_, response) => response.end())
    await new Promise<void>((resolve) => registry.listen(0, "127.0.0.1", resolve))
    const host = `127.0.0.1:${(registry.address() as AddressInfo).port}`
    const image = `${host}/team/app:1`
    expect(await failure(specOf(undefined, { program: { kind: "image", image } }))).toMatchObject({
      reason: "RegistryUntrusted",
      message: expect.stringContaining(`/etc/containers/certs.d/${host}/ca.crt`),
      retryable: false
    })
    registry.closeAllConnections()
    registry.close()
    authority.remove()
  })

  it("fails at once if the image lacks its user", async () => {
    expect(await failure(specOf(undefined, { program: { kind: "image", image: stranger } }))).toMatchObject({
      reason: "UserUnknown",
      message: expect.stringContaining('"nobody9"'),
      retryable: false
    })
  })

  it("reports how it ended at once, or by a signal", async () => {
    // `$$` is `$` in a command.
    const [well, killed, crashed] = await Promise.all([
      failure(specOf(["true"])),
      failure(specOf(["sh", "-c", "kill -9 $$$$"])),
      failure(specOf(["sh", "-c", "kill -SEGV $$$$"]))
    ])
    expect(well).toMatchObject({ reason: "ExitedOnStart", exitCode: 0 })
    expect(killed).toMatchObject({ reason: "CrashOnStart", message: expect.stringContaining("by SIGKILL") })
    expect(crashed).toMatchObject({ reason: "CrashOnStart", message: expect.stringContaining("139 (SIGSEGV)") })
  })

  it("reports that it answers something other than HTTP once it listens", async () => {
    const database = [
      "nc",
      "-ll",
      "-p",
      "8080",
      "-e",
      "sh",
      "-c",
      "read line; printf '%s\\r\\n' '-ERR unknown command'"
    ]
    const instance = await start(specOf(database))
    const exit = await exited(instance)
    expect(failureOfExit(exit, 100, specOf(undefined), "image")).toMatchObject({
      reason: "NotHttp",
      message: expect.stringContaining(`doesn't speak HTTP on port 8080: it sent "-ERR unknown command"`),
      retryable: false
    })
  })

  it("gets its requests on an exposed port that answers HTTP", async () => {
    const said: Array<string> = []
    const program = { kind: "image", image: exposing } as const
    const findings: Array<unknown> = []
    const onFinding = (found: unknown) => findings.push(found)
    const spec = () => specOf(undefined, { program, port: "auto", onFinding, onSystem: (line) => said.push(line) })
    const first = await start(spec())
    await ready(first)
    expect(await (await fetch(`http://127.0.0.1:${first.port}/index.html`)).text()).toBe("hello\n")
    expect(said).toContainEqual(expect.stringContaining("Port 7002 is the exposed port that answers HTTP"))
    // Other unsupported features are reported, once the program has been asked which HTTP it speaks.
    await expect
      .poll(() => findings.at(-1), { timeout: 10_000 })
      .toMatchObject({
        code: "ImageSettingsUnused",
        message: expect.stringMatching(/HEALTHCHECK \(wget.* isn't used, and .*VOLUME \/data is lost/),
        fix: expect.stringContaining('path: "/index.html"')
      })
    // The next one starts there.
    const second = await start(spec())
    await ready(second)
    expect(await (await fetch(`http://127.0.0.1:${second.port}/index.html`)).text()).toBe("hello\n")
  })

  it("reports being stopped from outside, and blames neither its program nor its memory", async () => {
    const stubborn = ["sh", "-c", "trap : TERM; httpd -p 8080; while :; do sleep 1; done"]
    const instances = await Promise.all([start(specOf(serving)), start(specOf(serving)), start(specOf(stubborn))])
    await Promise.all(instances.map(ready))
    const [removed, stopped, killed] = await Promise.all(instances.map(containerOf))
    await Promise.all([
      podman("rm", "--force", removed ?? ""),
      podman("stop", stopped ?? ""),
      podman("kill", killed ?? "")
    ])
    const exits = await Promise.all(instances.map(exited))
    expect(exits.map(({ outside }) => outside)).toEqual([
      expect.stringContaining("podman rm"),
      expect.stringContaining("SIGTERM"),
      expect.stringContaining("podman kill")
    ])
    for (const exit of exits) {
      expect(exit).toMatchObject({ code: null, outOfMemory: false, wanted: false })
      expect(failureOfExit(exit, 60_000, specOf(undefined), "image")).toMatchObject({ reason: "EndedFromOutside" })
    }
  }, 60_000)

  it("reports that it ran out of memory, whichever of its processes the kernel killed", async () => {
    const greedy = specOf(["sh", "-c", "tail /dev/zero; exit $?"], { memoryBytes: 16 * 2 ** 20 })
    expect(await failure(greedy)).toMatchObject({ reason: "OutOfMemory" })
  })

  it("has its orphans reaped, even if their new parent ignores them", async () => {
    const instance = await start(specOf(["sh", "-c", "for i in 1 2 3; do (sleep 0.1 &); done; exec sleep 60"]))
    const table = async () => podman("exec", (await containerOf(instance)) || "none", "ps", "-o", "stat,args")
    await expect.poll(() => table().catch(String), { timeout: 20_000 }).toMatch(/sleep 60/)
    await expect.poll(() => table().catch(String), { timeout: 5_000 }).not.toMatch(/sleep 0\.1|\[sleep\]|^ *Z/m)
  }, 60_000)

  it("is asked to stop as its program would be", async () => {
    let text = ""
    const asked = "trap 'echo asked; exit 0' TERM; httpd -p 8080; while :; do sleep 0.1; done"
    const instance = await start(
      specOf(["sh", "-c", asked], {
        onOutput: (_, chunk) => {
          text += Buffer.from(chunk).toString()
        }
      })
    )
    await ready(instance)
    await Effect.runPromise(instance.stop)
    expect(await exited(instance)).toMatchObject({ code: 0, signal: null, outOfMemory: false, wanted: true })
    expect(text).toContain("asked")
  })

  it("runs a program that must be the first process as the first process", async () => {
    const instance = await start(specOf(["/t/picky"]))
    await ready(instance)
  })

  it("listens on port 80 as a user other than root", async () => {
    await ready(await start(specOf(undefined, { program: { kind: "image", image: plainUser }, port: 80 })))
  })
})
