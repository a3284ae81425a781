import { Unavailable } from "@maxcloud/sdk/api"
import type { MasterKeyError } from "./MasterKey.ts"

/** What a request is answered whose work needs a key that cannot be had at the moment. */
export const masterKeyUnavailable = ({ message }: MasterKeyError) =>
  new Unavailable({ detail: message, retryAfterSeconds: 5 })
