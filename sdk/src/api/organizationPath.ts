/** Collections of one organization that have a place of their own in the short form. */
const ownPlace = /^\/api\/v1(?:\/(?:auth|organization)(?=[/?#]|$))?/

/** `/api/v1/services` is `/api/v1/organizations/acme/services`, and so is `/api/v1/auth/api-keys` `/api/v1/organizations/acme/api-keys`. */
export const belowOrganization = (path: string, organization: string): string =>
  path.replace(ownPlace, () => `/api/v1/organizations/${organization}`)
