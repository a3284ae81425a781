/** The server of the followers' benchmark: only the API over stored logs. On request it reports its memory, or writes lines. */
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { AppName, OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { ApiKeyId, OrganizationId, type ServiceId } from "@maxcloud/sdk/api"
import { Effect, Redacted, Stream } from "effect"
import { LogStore } from "../../server/src/runtimes/local/logs/LogStore.ts"
import { testApi } from "../../server/test/api/testApi.ts"

const directory = mkdtempSync(join(tmpdir(), "maxcloud-followers-"))
const service = ServiceName.make("web")
const organizationOf = (number: string | number) => OrganizationId.make(`org_${String(number).repeat(32)}`)
const sourceOf = (organizationId: OrganizationId) => ({ organizationId, namespace: "org-shop", service })

/** Each token is a separate key. Its last digit is the number of its organization. */
const callerOf = (token: string) => {
  const number = token.slice(-1)
  return {
    organization: {
      id: organizationOf(number),
      name: OrganizationName.make(`org-${number}`)
    },
    roles: ["viewer" as const],
    scopes: undefined,
    credential: { type: "key" as const, id: ApiKeyId.make(`key_${token.slice(0, 32)}`) },
    person: undefined
  }
}

const main = Effect.gen(function* () {
  const store = yield* LogStore
  const { url } = yield* testApi({
    streams: { perKey: 10_000, perAddress: 10_000 },
    authenticator: { authenticate: (token) => Effect.succeed(callerOf(Redacted.value(token))) },
    services: {
      logs: (organization, _id: ServiceId, query) =>
        Effect.succeed(
          Stream.orDie(
            store.read({
              ...query,
              key: {
                ...sourceOf(organization.id),
                organization: organization.name,
                app: AppName.make("bench"),
                stage: productionStage
              }
            })
          )
        )
    }
  })
  const writers = Array.from({ length: 4 }, (_, index) =>
    store.writer({ ...sourceOf(organizationOf(index)), revision: "web-00001", instance: "one" })
  )
  const write = async (lines: number) => {
    for (let line = 0; line < lines; line += 10) {
      for (const { write } of writers)
        write("stdout", Buffer.from(`${"a line of a service's log ".repeat(6)}\n`.repeat(10)))
      await setTimeout(20)
    }
  }
  process.on("message", (message: { readonly write?: number }) => {
    const done = message.write === undefined ? collect() : write(message.write)
    void done.then(() => {
      const { external, heapUsed, rss } = process.memoryUsage()
      process.send?.({ used: heapUsed + external, resident: rss })
    })
  })
  process.send?.({ port: Number(new URL(url).port) })
  yield* Effect.never
}).pipe(Effect.scoped, Effect.provide(LogStore.layer({ directory })))

const collect = async () => {
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await setTimeout(50)
  }
}

process.on("disconnect", () => process.exit(0))
await Effect.runPromise(main)
