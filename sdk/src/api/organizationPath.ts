/** An organization's collections that have a different path in the short form. */
const ownPlace = /^\/api\/v1(?:\/(?:auth|organization)(?=[/?#]|$))?/

/** `/api/v1/services` becomes `/api/v1/organizations/acme/services`, and `/api/v1/auth/api-keys` becomes `/api/v1/organizations/acme/api-keys`. */
export const belowOrganization = (path: string, organization: string): string =>
  path.replace(ownPlace, () => `/api/v1/organizations/${organization}`)
