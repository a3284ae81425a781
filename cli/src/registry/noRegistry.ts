/** What an operator can do about a server without a registry. */
export const howToHaveRegistry =
  "its operator can install CNCF Distribution on the server's machine (`apt-get install docker-registry`, or `go install github.com/distribution/distribution/v3/cmd/registry@v3.0.0`) and restart the server, or name a registry in REGISTRY_URL (docs/registry.md)"
