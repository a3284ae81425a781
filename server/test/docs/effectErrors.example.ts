import { MaxCloud } from "@maxcloud/sdk/effect"
import { Console, Effect, Layer, Redacted, Schedule } from "effect"

const stateOf = (name: string) =>
  Effect.gen(function* () {
    const cloud = yield* MaxCloud
    return (yield* cloud.services.get(name, { stage: "preview-42" })).status.state
  }).pipe(
    Effect.retry({
      while: (error) => error._tag === "NotReachable",
      times: 2,
      schedule: Schedule.exponential("1 second")
    }),
    Effect.catchTags({
      NotFound: () => Effect.succeed("not deployed"),
      InvalidRequest: (error) => Effect.succeed(`not a service name: ${error.detail}`)
    })
  )

const MaxCloudLive = Layer.unwrapEffect(
  Effect.map(
    Effect.sync(() => process.env.CI_KEY),
    (key) => MaxCloud.layer({ token: key === undefined ? undefined : Redacted.make(key) })
  )
)

await Effect.all([stateOf("web"), stateOf("No Name")]).pipe(
  Effect.flatMap(Console.log),
  Effect.provide(MaxCloudLive),
  Effect.runPromise
)
