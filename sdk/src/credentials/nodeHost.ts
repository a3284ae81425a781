import { userAgent } from "../transport/clientVersion.ts"
import { localToken } from "../transport/localServer.ts"
import type { ClientHost } from "../transport/transport.ts"
import { defaultCredentials } from "./defaultCredentials.ts"

/** What a client on Node says of itself, and finds by itself. */
export const nodeHost: ClientHost = {
  userAgent,
  local: localToken,
  found: (apiUrl) => defaultCredentials({ apiUrl })
}
