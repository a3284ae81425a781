import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Deployment, DeploymentFailed, type LogEntry } from "@maxcloud/sdk"
import { makeMaxCloud } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import type { Harness, ServiceEncoded } from "./Harness.ts"
import { ask as askAt, startLoad, until } from "./requests.ts"

/** The shortest possible window: idle instances stop soon. */
const short = { idle: "6s" } as const
/** It stays, so that only the test's actions change it. */
const kept = { min: 1 } as const

const lineNumbers = (entries: ReadonlyArray<LogEntry>) =>
  entries.flatMap(({ line }) => {
    const [, number] = /^line (\d+)$/.exec(line) ?? []
    return number === undefined ? [] : [Number(number)]
  })
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** What every runtime does alike, tested through the public surface: the SDK's client, and requests to services. */
export const contractTests = (runtime: string, start: () => Promise<Harness>): void => {
  let harness: Harness

  const client = () => harness.server.client
  /** A service of the workload. `CONTRACT_APP` identifies its processes. */
  const service = (app: string, more: Partial<ServiceEncoded> & { readonly name?: string } = {}): ServiceEncoded => ({
    ...harness.workload,
    name: app,
    cpu: 0.2,
    memory: "64Mi",
    scale: kept,
    ...more,
    env: { CONTRACT_APP: app, VERSION: "1", ...more.env }
  })
  const deploy = (app: string, ...services: ReadonlyArray<Partial<ServiceEncoded>>) =>
    client().deploy({ app, services: services.map((value) => service(app, value)) })
  const failure = (deploying: Promise<unknown>): Promise<Deployment> =>
    deploying.then(
      () => expect.unreachable("the deployment succeeded"),
      (error: unknown): Deployment => {
        if (error instanceof DeploymentFailed) return error.deployment
        throw error
      }
    )
  const urlOf = async (name: string) =>
    (await client().services.get(name)).status.url ?? expect.unreachable(`${name} has no URL`)
  const ask = async (name: string, path?: string) => askAt(harness.ingress, await urlOf(name), path)
  const version = async (name: string) => {
    const { body, status } = await ask(name)
    expect(status, body).toBe(200)
    return body.split(" ")[0]
  }
  const revisionNames = async (name: string) =>
    (await client().services.revisions(name)).map((revision) => revision.name).sort()

  describe(runtime, () => {
    beforeAll(async () => {
      harness = await start()
    }, 120_000)
    afterAll(() => harness?.close())

    describe.concurrent("deployments", { timeout: 180_000 }, () => {
      it("scales from zero to many under load, back to zero, and wakes for a request", async () => {
        await deploy("scale", { scale: { ...short, max: 3, concurrency: 1, maxConcurrency: 1 } })
        const url = await urlOf("scale")
        const load = startLoad(6, () => askAt(harness.ingress, url, "/?ms=250"))
        const instances = () =>
          new Set(load.answers.filter((answer) => answer.status === 200).map((answer) => answer.body))
        await until(
          "more than one instance answers",
          () => instances().size,
          (one) => one > 1
        )
        expect((await load.end()).filter((each) => each.status !== 200)).toStrictEqual([])
        await until(
          "no instance",
          () => client().services.get("scale"),
          (one) => one.status.state === "idle" && one.status.instances === 0,
          90
        )
        const used = instances()
        const woken = await ask("scale")
        expect(woken.status, woken.body).toBe(200)
        expect(used.has(woken.body), "an instance of its own").toBe(false)
      })

      it("a paused service answers 503, even after a deployment, until it is resumed", async () => {
        await deploy("stopped", { scale: { ...kept, ...short } })
        const url = await urlOf("stopped")
        const answer = () => askAt(harness.ingress, url)
        expect((await client().services.pause("stopped")).name).toBe("stopped")
        const paused = await until("503", answer, (one) => one.status === 503)
        expect(Number(paused.headers["retry-after"])).toBeGreaterThanOrEqual(1)
        expect(paused.body).toMatch(/paused/i)
        await until(
          "paused, without instances",
          () => client().services.get("stopped"),
          (one) => one.status.state === "paused" && one.status.instances === 0,
          90
        )

        await deploy("stopped", { scale: { ...kept, ...short }, env: { VERSION: "2" } })
        expect((await answer()).status).toBe(503)
        expect((await client().services.get("stopped")).status.state).toBe("paused")

        await client().services.resume("stopped")
        await until("what was deployed meanwhile", answer, (one) => one.status === 200 && one.body.startsWith("2 "))
      })

      it("a restart replaces every instance without a failed request", async () => {
        await deploy("renewed", {})
        const url = await urlOf("renewed")
        const [before] = await revisionNames("renewed")
        const instance = (await ask("renewed")).body
        const load = startLoad(4, () => askAt(harness.ingress, url, "/?ms=50"))
        const told: Array<string> = []
        const onProgress = (progress: { readonly _tag: string }) => void told.push(progress._tag)
        const renewed = await client().services.restart("renewed", { idempotencyKey: "once", onProgress })
        expect(renewed.status.latestReadyRevision).not.toBe(before)
        expect(told[0]).toBe("accepted")
        expect(told.at(-1)).toBe("finished")
        await until(
          "the new instance",
          () => ask("renewed"),
          (one) => one.body !== instance
        )
        const answers = await load.end()
        expect(answers.filter((answer) => answer.status !== 200)).toStrictEqual([])

        // The same request again, a plan and a deploy of the same config don't change it.
        await client().services.restart("renewed", { idempotencyKey: "once" })
        const plan = await client().plan({ app: "renewed", services: [service("renewed")] })
        expect(plan.changes.map((change) => change.action)).toStrictEqual(["unchanged"])
        await deploy("renewed", {})
        const { latestCreatedRevision, latestReadyRevision } = (await client().services.get("renewed")).status
        expect([latestCreatedRevision, latestReadyRevision]).toStrictEqual([
          renewed.status.latestReadyRevision,
          renewed.status.latestReadyRevision
        ])
        expect(await revisionNames("renewed")).toHaveLength(2)
      })

      it("runs a program in an instance, with the service's environment and its own exit code", async () => {
        await client().secrets.set("inside", "token", "in the environment")
        await deploy("inside", { env: { TOKEN: { secret: "token" } } })
        const written = { stdout: "", stderr: "" }
        const onOutput = (stream: "stdout" | "stderr", bytes: Uint8Array) => {
          written[stream] += Buffer.from(bytes).toString()
        }
        const program = harness.workload.command?.[0] ?? "/workload"
        const input = "x".repeat(300_000)
        const run = (name: string, command: ReadonlyArray<string>) =>
          Effect.gen(function* () {
            const cloud = yield* makeMaxCloud({ apiUrl: harness.server.url })
            const session = yield* cloud.services.exec(name, command, { onOutput })
            session.write(Buffer.from(input))
            session.endInput()
            return yield* session.exit
          }).pipe(Effect.scoped, Effect.runPromise)
        expect(await run("inside", [program, "exec"])).toBe(7)
        expect(written.stderr).toBe("on stderr\n")
        expect(written.stdout).toBe(`in the environment\n${input}`)
        expect(await run("inside", ["/nonexistent-program"])).toBe(127)
        await client().services.pause("inside")
        await until(
          "no instance",
          () => client().services.get("inside"),
          (one) => one.status.state === "paused" && one.status.instances === 0,
          90
        )
        const refused = await run("inside", [program, "exec"]).catch((error: unknown) => String(error))
        expect(String(refused)).toMatch(/paused|No instance/)
      })

      it("passes the environment, and secrets in their version at the time of the deploy", async () => {
        await client().secrets.set("config", "token", "first")
        const config = {
          env: { GREETING: "hello", TOKEN: { secret: "token" }, DSN: { join: ["db://u:", { secret: "token" }, "@db"] } }
        }
        await deploy("config", config)
        const value = async (name: string) => (await ask("config", `/env?name=${name}`)).body
        expect([await value("GREETING"), await value("TOKEN"), await value("DSN")]).toStrictEqual([
          "hello",
          "first",
          "db://u:first@db"
        ])
        await client().secrets.set("config", "token", "second")
        expect(await value("TOKEN")).toBe("first")
        await deploy("config", config)
        expect([await value("TOKEN"), await value("DSN")]).toStrictEqual(["second", "db://u:second@db"])
        expect(JSON.stringify(await client().services.get("config"))).not.toContain("second")
      })

      it("a program that exits at its start fails the deployment, its output is shown, and the previous revision serves", async () => {
        await deploy("crash", {})
        const failed = await failure(deploy("crash", { env: { VERSION: "2", FAIL: "no database" } }))
        expect(failed.status.state).toBe("failed")
        const [told] = failed.services
        expect(told?.state).toBe("failed")
        expect([...(told?.logTail ?? [])]).toContain("cannot start: no database")
        expect(told?.message ?? "", "its exit code").toMatch(/\b7\b/)
        expect(await version("crash")).toBe("1")
        expect((await client().services.get("crash")).status.state).toBe("failed")

        expect((await deploy("crash", { env: { VERSION: "3" } })).status.state).toBe("succeeded")
        expect(await version("crash")).toBe("3")
      })

      const patient = async () => {
        const env = { FAIL_UNTIL: String(Math.ceil(Date.now() / 1000) + 25) }
        expect((await deploy("patient", { env })).status.state).toBe("succeeded")
        expect((await client().services.get("patient")).status.state).toBe("ready")
      }

      const late = async () => {
        await deploy("late", {})
        const recovers = Math.ceil(Date.now() / 1000) + 30
        const env = { VERSION: "2", FAIL_UNTIL: String(recovers) }
        expect((await failure(deploy("late", { env }))).status.state).toBe("failed")
        await until(
          "its program works",
          async () => Date.now() / 1000,
          (seconds) => seconds > recovers + 2,
          60
        )
        expect(await version("late")).toBe("1")
        expect((await client().services.get("late")).status.state).toBe("failed")

        expect((await deploy("late", { env })).status.state).toBe("succeeded")
        expect(await version("late")).toBe("2")
        expect((await deploy("late", { env: { VERSION: "3" } })).status.state).toBe("succeeded")
        expect(await version("late")).toBe("3")
      }

      // On a cluster a deployment waits until its deadline, and Knative doesn't retry a revision that it has given up.
      if (runtime.includes("local"))
        it(
          "a revision that starts working after its deployment has failed gets no request until it is deployed again",
          late,
          400_000
        )
      else it("a program that exits until its database is up isn't called failed", patient)

      it("a deployed service answers at its URL", async () => {
        const deployment = await deploy("hello", {})
        expect(deployment.status.state).toBe("succeeded")
        expect(deployment.number).toBe(1)
        expect(deployment.services.map((service) => [service.name, service.action, service.state])).toStrictEqual([
          ["hello", "create", "ready"]
        ])
        expect(deployment.services[0]?.url).toBe(await urlOf("hello"))
        expect(await version("hello")).toBe("1")
        expect(["ready", "idle"]).toContain((await client().services.get("hello")).status.state)
      })

      it("an update creates a revision without a failed request", async () => {
        await deploy("update", {})
        const url = await urlOf("update")
        const load = startLoad(4, () => askAt(harness.ingress, url, "/?ms=50"))
        await deploy("update", { env: { VERSION: "2" } })
        expect(await version("update")).toBe("2")
        // Requests of the previous revision that are still in progress, and its end.
        await until(
          "requests after it",
          () => load.answers.length,
          (one) => one > 100
        )
        const answers = await load.end()
        expect(answers.filter((answer) => answer.status !== 200)).toStrictEqual([])
        expect(answers.at(-1)?.body.split(" ")[0]).toBe("2")
        expect(await revisionNames("update")).toHaveLength(2)
      })

      it("the same config again creates no revision", async () => {
        await deploy("same", {})
        const [before, first] = [await revisionNames("same"), await ask("same")]
        const again = await deploy("same", {})
        expect(again.status.state).toBe("succeeded")
        expect(again.number).toBe(2)
        expect(again.services[0]?.action).toBe("unchanged")
        expect(await revisionNames("same")).toStrictEqual(before)
        expect((await ask("same")).body, "the same instance").toBe(first.body)
      })

      it("an earlier config can be rolled back to", async () => {
        await deploy("back", {})
        await deploy("back", { env: { VERSION: "2" } })
        expect(await version("back")).toBe("2")
        const rollback = await deploy("back", {})
        expect(rollback.number).toBe(3)
        expect(await version("back")).toBe("1")
        const { latestReadyRevision, traffic } = (await client().services.get("back")).status
        expect(traffic.map((each) => [each.revision, each.percent])).toStrictEqual([[latestReadyRevision, 100]])
      })

      it("a plan is deployed once, as it was planned, and refused while the result would differ", async () => {
        const planned = (VERSION: string) =>
          client().preparePlan({ app: "planned", services: [service("planned", { env: { VERSION } })] })
        const first = await planned("1")
        const both = await Promise.allSettled([client().deploy(first), client().deploy(first)])
        expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
        expect(both.find(({ status }) => status === "rejected")).toMatchObject({
          reason: { _tag: "PlanOutdated", basedOn: null, newestDeployment: 1 }
        })
        expect(await version("planned")).toBe("1")
        const second = await planned("2")
        await client().services.pause("planned")
        await expect(client().deploy(second)).rejects.toMatchObject({ _tag: "PlanOutdated", newestDeployment: 1 })
        await client().services.resume("planned")
        expect((await client().deploy(second)).number).toBe(2)
        expect(await version("planned")).toBe("2")
        const { images } = await client().deployments.spec("planned", 2)
        expect(images).toEqual(second.plan.images)
      })

      it("links a service to an internal one", async () => {
        await deploy(
          "linked",
          { name: "front", env: { TARGET: { service: "behind", property: "url" } } },
          { name: "behind", visibility: "internal", env: { VERSION: "internal" } }
        )
        expect((await client().services.get("behind")).status.url).toBe(null)
        const { body, status } = await ask("front", "/call")
        expect(status, body).toBe(200)
        expect(body.split(" ")[0]).toBe("internal")
      })

      it("follows numbered lines, across the end of an instance, without losing or repeating one", async () => {
        await deploy("lines", {})
        const url = await urlOf("lines")
        const write = async (from: number, to: number) => {
          const { status } = await askAt(harness.ingress, url, `/lines?from=${from}&to=${to}`)
          return status
        }
        const followed: Array<LogEntry> = []
        const abort = new AbortController()
        const following = (async () => {
          for await (const entry of client().logs("lines", { follow: true, tail: 1000, signal: abort.signal })) {
            followed.push(entry)
          }
        })().catch((error: unknown) => (abort.signal.aborted ? undefined : Promise.reject(error)))
        expect(await write(1, 200)).toBe(200)
        await until(
          "the first lines",
          () => lineNumbers(followed).length,
          (one) => one >= 200,
          20
        )
        const before = (await ask("lines")).body
        expect((await askAt(harness.ingress, url, "/exit?code=3")).status).toBe(200)
        await until(
          "another instance",
          () => askAt(harness.ingress, url),
          (one) => one.status === 200 && one.body !== before
        )
        expect(await write(201, 400)).toBe(200)
        await until(
          "the lines after",
          () => lineNumbers(followed).length,
          (one) => one >= 400,
          20
        )
        expect(lineNumbers(followed)).toStrictEqual(numbers(1, 400))
        abort.abort()
        await following

        const read: Array<LogEntry> = []
        for await (const entry of client().logs("lines", { tail: 1000 })) read.push(entry)
        expect(lineNumbers(read)).toStrictEqual(numbers(1, 400))
        expect(read.map((line) => line.line)).toContain("told to exit")

        const cursor = read.find((line) => line.line === "line 150")?.cursor ?? expect.unreachable("no line 150")
        const after: Array<LogEntry> = []
        for await (const entry of client().logs("lines", { after: cursor, tail: 1000 })) after.push(entry)
        expect(lineNumbers(after), "goes on after a cursor").toStrictEqual(numbers(151, 400))
      })

      it("a deleted service and a destroyed app leave nothing behind", async () => {
        await client().secrets.set("gone", "token", "value")
        await deploy("gone", { env: { TOKEN: { secret: "token" } } }, { name: "gone-too", links: ["gone"] })
        const url = await urlOf("gone-too")
        const deletion = await client().services.delete("gone-too")
        await client().waitFor(deletion.id)
        expect((await client().services.list({ app: "gone" })).map((each) => each.name)).toStrictEqual(["gone"])
        await until(
          "nothing at its URL",
          () => askAt(harness.ingress, url),
          (one) => one.status === 404
        )
        expect(await version("gone")).toBe("1")

        const destruction = await client().apps.destroy("gone")
        await client().waitFor(destruction.id)
        expect(await client().services.list({ app: "gone" })).toStrictEqual([])
        const missing = await client()
          .services.get("gone")
          .catch((error: unknown) => error)
        expect(missing).toHaveProperty("_tag", "NotFound")
        await until(
          "nothing left",
          () => harness.leftovers("gone"),
          (one) => one.length === 0
        )
      })

      it("a missing image is named, at the latest when it is pulled, and the running services stay", async () => {
        await deploy("absent", {})
        const spec = { app: "absent", services: [{ name: "absent", image: harness.missingImage, scale: kept }] }
        const { problems } = await client().plan(spec)
        expect(problems.length).toBe(harness.looksUpImages ? 1 : 0)
        const error = await client()
          .deploy(spec)
          .then(
            () => expect.unreachable("the deployment succeeded"),
            (error: unknown) => error
          )
        expect(error).toHaveProperty("_tag", harness.looksUpImages ? "InvalidSpec" : "DeploymentFailed")
        expect(String(error)).toContain("nobody-has-this")
        expect(await version("absent")).toBe("1")
      })

      it("if one of several services fails, it is named, and the others stay", async () => {
        const failed = await failure(
          deploy("partly", { name: "good" }, { name: "bad", env: { FAIL: "on purpose" } }, { name: "fine" })
        )
        expect(failed.services.map((service) => [service.name, service.state]).sort()).toStrictEqual([
          ["bad", "failed"],
          ["fine", "ready"],
          ["good", "ready"]
        ])
        expect(failed.status.message).toContain("bad")
        expect([await version("good"), await version("fine")]).toStrictEqual(["1", "1"])
      })
    })

    describe("a killed server", { timeout: 120_000 }, () => {
      it("continues the deployment in progress, and has lost nothing", async () => {
        await deploy("killed", {})
        const before = (await client().services.list()).map((each) => each.name).sort()

        for (const [moment, VERSION] of [
          ["accepted", "2"],
          ["applied", "3"]
        ] as const) {
          const abort = new AbortController()
          let id = ""
          const reached = new Promise<void>((resolve) => {
            client()
              .deploy(
                { app: "killed", services: [service("killed", { env: { VERSION } })] },
                {
                  signal: abort.signal,
                  onProgress: (progress) => {
                    if (progress._tag === "accepted") id = progress.deployment.id
                    const told = progress._tag === "event" ? progress.event.type : progress._tag
                    if (told === moment) resolve()
                  }
                }
              )
              .catch(() => undefined)
          })
          const url = await urlOf("killed")
          await reached
          await harness.server.end("SIGKILL")
          abort.abort()
          if (harness.servesAlone) expect((await askAt(harness.ingress, url)).status, "without the server").toBe(200)

          await harness.server.start()
          expect((await client().waitFor(id)).status.state).toBe("succeeded")
          expect(await version("killed")).toBe(VERSION)
        }

        expect((await client().services.list()).map((each) => each.name).sort()).toStrictEqual(before)
        expect(
          (await client().deployments.list("killed")).map((each) => [each.number, each.status.state]).sort()
        ).toStrictEqual([
          [1, "succeeded"],
          [2, "succeeded"],
          [3, "succeeded"]
        ])
        expect(await version("hello")).toBe("1")
      })
    })
  })
}
