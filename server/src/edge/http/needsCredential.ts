import { Unauthenticated } from "@maxcloud/sdk/api"

/** The refusal of a request that has no credential. */
export const needsCredential = () =>
  new Unauthenticated({
    detail:
      'This needs a credential. Run `maxcloud auth login`, or send "Authorization: Bearer <API key>" (MAXCLOUD_API_KEY).'
  })
