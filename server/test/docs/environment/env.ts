// env.ts, beside the config and the service's code
import { boolean, envOf, number, oneOf, secret, url } from "@maxcloud/sdk/env"

export const env = envOf({
  DATABASE_URL: secret(),
  RATE: number({ default: 5, min: 1 }),
  DEBUG: boolean({ default: false }),
  MODE: oneOf("fast", "safe"),
  API: url()
})
