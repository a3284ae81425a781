import { createHash } from "node:crypto"

const longest = 63
const suffix = "-deployment"

/** The name of a revision's Deployment (Knative's `kmeta.ChildName`): a long revision's name is cut, and gets its hash. */
export const deploymentName = (revision: string): string => {
  if (revision.length + suffix.length <= longest) return `${revision}${suffix}`
  const hash = createHash("md5").update(revision).digest("hex")
  return `${revision.slice(0, longest - suffix.length - hash.length)}${hash}${suffix}`
}
