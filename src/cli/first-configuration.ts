/** What `init` writes into an empty directory, by path: the least that passes `check`, with comments that lead on. */
export const FIRST_CONFIGURATION: Readonly<Record<string, string>> = {
  '.gitignore': `# The master key and the session store are nobody else's business.
.gatehouse/
`,

  'agent-config/gatehouse.yaml': `# What the process is. The other files in this folder are agent profiles: one protected site each.
# \${env:NAME}, \${env:NAME:-default} and \${file:PATH} (relative to the directory above this one) fill in values.

listeners:
  - address: \${env:HOST:-127.0.0.1}
    port: \${env:PORT:-8080}
    # tls:
    #   certificates:
    #     - cert: \${file:/etc/gatehouse/tls/fullchain.pem}
    #       key: \${file:/etc/gatehouse/tls/key.pem}

# Where people sign in. *.localhost reaches this machine in every browser; in production this is https.
login:
  url: http://login.acme.localhost:\${env:PORT:-8080}

store:
  path: \${env:GATEHOUSE_DATA:-.gatehouse}/cts.db

secrets:
  # Made by \`gatehouse init\`. Keep a copy somewhere safe: without it the signing keys in the store cannot be read.
  masterKey: \${file:\${env:GATEHOUSE_DATA:-.gatehouse}/master.key}
`,

  'agent-config/app.yaml': `# One protected site. The file's name, app, is the id of the agent.

url: http://app.acme.localhost:\${env:PORT:-8080} # where people reach it
realm: / # whose users may come in
upstream:
  servers:
    - http://127.0.0.1:3000 # where it runs

# Any signed-in user. Remove this line to ask the policies in the realm's policies.yaml instead.
ssoOnly: true

# notEnforced:
#   - path: /public/* # needs no session
`,

  'realms/realm.yaml': `# The root realm. A folder beside this file with a realm.yaml of its own is a realm below it: realms/staff is /staff.

look:
  title: My organisation
  # color: '#1f5fbf'
  # logo: logo.svg # in theme/ beside this file

# session:
#   maxIdle: 30m
#   maxLife: 120m
`,

  'realms/users.yaml': `# Who may sign in to this realm. \`gatehouse hash-password\` asks for a password and prints its hash.

users: []
#  - username: erin
#    password: $argon2id$v=19$m=19456,t=2,p=1$…
#    groups: [editors]
#    attributes:
#      displayName: Erin Example
#      mail: erin@acme.example
`,

  'realms/policies.yaml': `# Who may do what at sites of this realm that are not ssoOnly. Any deny wins; what no policy allows is denied.

policies: []
#  - name: editors-may-write
#    resources:
#      - http://app.acme.localhost:*/*
#      - http://app.acme.localhost:*/*?*
#    actions: { GET: allow, POST: allow }
#    subject:
#      type: Group
#      groups: [editors]
`,
}
