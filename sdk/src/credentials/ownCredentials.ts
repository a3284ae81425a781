import { localToken } from "../localServer.ts"
import type { OwnCredentials } from "../transport.ts"
import { defaultCredentials } from "./defaultCredentials.ts"

/** What a client on Node finds by itself. */
export const ownCredentials: OwnCredentials = {
  local: localToken,
  found: (apiUrl) => defaultCredentials({ apiUrl })
}
