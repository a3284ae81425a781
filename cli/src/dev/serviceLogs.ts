import type { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import type { LogEntry } from "@maxcloud/sdk/api"
import { Effect, Fiber, Schedule, type Scope, Stream } from "effect"
import type { connect } from "../client.ts"
import type { Terminal } from "../output/terminal.ts"
import { type Address, addressed } from "./addressed.ts"

const colours = ["cyan", "magenta", "green", "yellow", "blue", "red"] as const

const prefixed = (entry: LogEntry, name: string, terminal: Terminal, address: Address): string => {
  const line = terminal.programLine(entry.line)
  return `${name} ${entry.stream === "system" ? terminal.paint("dim", `· ${addressed(line, address)}`) : line}`
}

/** The logs of all services in one terminal, each line after the name of its service. */
export const makeServiceLogs = (
  cloud: Effect.Effect.Success<ReturnType<typeof connect>>,
  stage: StageName,
  terminal: Terminal,
  address: Address
) => {
  const followed = new Map<string, Fiber.RuntimeFiber<void>>()
  const since = new Date().toISOString()
  let width = 0
  let next = 0

  const followOne = (app: AppName, service: ServiceName): Effect.Effect<void> => {
    const colour = colours[next++ % colours.length] ?? "cyan"
    const told = (entry: LogEntry) =>
      terminal.json
        ? terminal.printJson(entry, "line")
        : terminal.print(prefixed(entry, terminal.paint(colour, `${service.padEnd(width)} │`), terminal, address))
    return Stream.runForEach(cloud.logs(service, { follow: true, since, app, stage }), (entry) =>
      Effect.sync(() => told(entry))
    ).pipe(
      // The deployment may know a service a moment before its log can be read.
      Effect.retry(Schedule.spaced("500 millis").pipe(Schedule.intersect(Schedule.recurs(120)))),
      Effect.catchAll((error) => Effect.sync(() => terminal.say(`the logs of ${service} ended: ${error.message}`)))
    )
  }

  /** Follows these services of the app from now on, and no others. */
  const follow = (app: AppName, services: ReadonlyArray<ServiceName>): Effect.Effect<void, never, Scope.Scope> =>
    Effect.gen(function* () {
      width = Math.max(width, ...services.map((service) => service.length))
      const wanted = new Map(services.map((service) => [`${app}/${service}`, service]))
      for (const [name, fiber] of followed) {
        if (wanted.has(name)) continue
        followed.delete(name)
        yield* Fiber.interrupt(fiber)
      }
      for (const [name, service] of wanted) {
        if (!followed.has(name)) followed.set(name, yield* Effect.forkScoped(followOne(app, service)))
      }
    })
  return { follow }
}
