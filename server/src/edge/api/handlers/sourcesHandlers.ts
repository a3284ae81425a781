import { HttpApiBuilder, type HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { NodeHttpServerRequest, NodeStream } from "@effect/platform-node"
import {
  CurrentOrganization,
  InsufficientStorage,
  MaxCloudApi,
  NotFound,
  PayloadTooLarge,
  QuotaExceeded,
  Unavailable
} from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { type SourceError, SourceStore } from "../../../stores/sources/SourceStore.ts"
import { archiveLimit } from "../../../stores/sources/snapshotArchive.ts"
import { Quotas } from "../../../tenancy/limits/Quotas.ts"
import { invalidRequest } from "../../http/problems.ts"

export const sourcesHandlers = HttpApiBuilder.group(MaxCloudApi, "sources", (handlers) =>
  Effect.gen(function* () {
    const sources = yield* SourceStore
    const quotas = yield* Quotas
    return handlers
      .handle("get", ({ path: { digest } }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          const bytes = yield* Effect.mapError(sources.find(id, digest), unavailable)
          if (Option.isNone(bytes)) {
            return yield* new NotFound({
              resource: "source",
              resourceName: digest,
              detail: `The source snapshot ${digest} isn't uploaded. Upload it first.`
            })
          }
          return { digest, bytes: bytes.value }
        })
      )
      .handleRaw("put", ({ path: { digest }, request }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          if (Number(request.headers["content-length"]) > archiveLimit) {
            return yield* new PayloadTooLarge({
              detail: "The archive is larger than 256 MiB. Leave files out with a .dockerignore."
            })
          }
          const { sourceBytes } = yield* orUnavailable(quotas.of(id))
          yield* Effect.mapError(sources.put(id, digest, bodyOf(request), sourceBytes ?? undefined), (error) =>
            error.reason === "tooLarge"
              ? new PayloadTooLarge({ detail: error.message })
              : error.reason === "overQuota"
                ? new QuotaExceeded({ detail: error.message })
                : error.reason === "diskFull"
                  ? new InsufficientStorage({ detail: error.message })
                  : error.reason === "invalid"
                    ? invalidRequest(error.message)
                    : unavailable(error)
          )
          return HttpServerResponse.empty({ status: 204 })
        })
      )
  })
)

/** If an upload is refused before its end, this leaves the connection open for the answer, unlike `request.stream`. */
const bodyOf = (request: HttpServerRequest.HttpServerRequest) =>
  NodeStream.fromReadable<unknown, Uint8Array>(
    () => NodeHttpServerRequest.toIncomingMessage(request),
    (cause) => cause,
    { closeOnDone: false }
  )

const unavailable = ({ message }: SourceError) => new Unavailable({ detail: message, retryAfterSeconds: 5 })
