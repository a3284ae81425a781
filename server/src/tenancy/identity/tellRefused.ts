import type { Audit } from "../audit/Audit.ts"

/** Links and codes are tried by the pages too, whose requests are no operations. */
export const tellRefused = (
  audit: typeof Audit.Service,
  action: "signIn.register" | "signIn.verify" | "signIn.signIn",
  status: 403 | 404
) => audit.append({ action, outcome: "refused", status, subject: "without a good link or code" })
