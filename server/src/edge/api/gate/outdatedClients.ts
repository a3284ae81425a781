import type { HttpServerRequest } from "@effect/platform"
import { ClientOutdated, type OperationName } from "@maxcloud/sdk/api"
import { clientVersionIn, isOlder } from "@maxcloud/sdk/internal"
import { Effect } from "effect"
import { minimumClient } from "../../../base/settings/version.ts"

/** Clients of any version may read the server's health and the client versions it supports. */
const forAll: ReadonlySet<OperationName> = new Set<OperationName>(["health.healthz", "health.readyz", "info.get"])

/** Refuses an SDK or command line older than the server supports. Other clients and unreadable versions pass. */
export const refuseOutdatedClients = (
  operation: OperationName,
  { headers }: Pick<HttpServerRequest.HttpServerRequest, "headers">
): Effect.Effect<void, ClientOutdated> => {
  const clientVersion = clientVersionIn(headers["user-agent"])
  return clientVersion === undefined || !isOlder(clientVersion, minimumClient) || forAll.has(operation)
    ? Effect.void
    : new ClientOutdated({
        clientVersion,
        minimumClient,
        detail: `This client has version ${clientVersion}, but the server supports ${minimumClient} and newer. Update it: \`npm i @maxcloud/sdk@latest\`, or \`npm i -D @maxcloud/cli@latest\` for the command line.`
      })
}
