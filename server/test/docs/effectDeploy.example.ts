import { loadConfig, MaxCloud, succeeded } from "@maxcloud/sdk/effect"
import { Console, Effect, Option, Stream } from "effect"

const program = Effect.gen(function* () {
  const cloud = yield* MaxCloud
  const config = yield* loadConfig({ stage: "production" })

  const deployment = yield* cloud.deploy(config).pipe(
    Stream.tap((progress) => Console.log(progress._tag)),
    Stream.filterMap((progress) => (progress._tag === "finished" ? Option.some(progress.deployment) : Option.none())),
    Stream.runHead,
    Effect.flatten,
    Effect.flatMap(succeeded) // fails with DeploymentFailed if it didn't succeed
  )

  const services = yield* cloud.services.list({ app: deployment.app })
  yield* Console.log(services.map((service) => `${service.name} ${service.status.state} ${service.status.url}`))
  yield* cloud.logs("web", { tail: 10 }).pipe(Stream.runForEach((entry) => Console.log(entry.line)))
})

await Effect.runPromise(Effect.provide(program, MaxCloud.layer()))
