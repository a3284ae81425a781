import { Unavailable } from "@maxcloud/sdk/api"
import type { MasterKeyError } from "./MasterKey.ts"

/** The answer to a request whose work needs a key that is unavailable at the moment. */
export const masterKeyUnavailable = ({ message }: MasterKeyError) =>
  new Unavailable({ detail: message, retryAfterSeconds: 5 })
