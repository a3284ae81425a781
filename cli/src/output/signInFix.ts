import { type Environment, sourceOfEnvironment } from "@maxcloud/sdk/credentials"

/** The fix if the server doesn't know the credential. */
export const signInFix = (env: Environment): string => {
  const source = sourceOfEnvironment(env)
  if (source === "GitHub Actions") {
    return "ask an owner of the organization in MAXCLOUD_ORGANIZATION to trust this repository: maxcloud auth oidc add --github OWNER/REPO"
  }
  if (source !== undefined)
    return `${source} takes precedence over a stored sign-in: correct it, or unset it and run \`maxcloud auth login\``
  if (env["GITHUB_ACTIONS"] === "true") {
    return "set MAXCLOUD_API_KEY, or MAXCLOUD_ORGANIZATION with `permissions: id-token: write`"
  }
  return "run `maxcloud auth login` (`maxcloud auth logout` deletes the stored credential of this server)"
}

/** The fix if the server only accepts the user who started it, since there are no accounts to sign in to. */
export const localModeFix =
  "run this as the user who started the server, or set MAXCLOUD_API_KEY to the server's token, the content of `local-token` in its data folder"
