import { userAgent } from "../transport/clientVersion.ts"
import { localToken } from "../transport/localServer.ts"
import type { ClientHost } from "../transport/transport.ts"
import { defaultCredentials } from "./defaultCredentials.ts"

/** The environment of a client on Node: its User-Agent and credentials. */
export const nodeHost: ClientHost = {
  userAgent,
  local: localToken,
  found: (apiUrl) => defaultCredentials({ apiUrl })
}
