// What systemd is told about the host and the control plane of a machine. Pure: the files' text.
//
// The host's supervisor and router restart each other, so systemd must not: a cgroup swept because its main process ended
// would take every replica along. Its unit therefore runs a watchman (`sluice host run`) that starts the pair when neither
// is there, and `KillMode=process` leaves the others alone when the watchman itself is restarted.

export interface UnitOptions {
  /** Absolute: node and the installed sluice.js. */
  readonly node: string;
  readonly program: string;
  /** root where services are images: nobody else starts containers. */
  readonly user: string;
  /** What `sluice up` is told, beside staying in the foreground. */
  readonly upArgs: readonly string[];
  /** Of the services that name no user of their own: not the one that may read the token. */
  readonly servicesUser: string;
  /** Below /var/lib: systemd makes it and gives it to the user. */
  readonly stateFolder: string;
  /** Address of the environments' public ports. */
  readonly entryAddress: string;
}

export interface UnitFile {
  readonly path: string;
  readonly text: string;
}

export function units(options: UnitOptions): readonly UnitFile[] {
  return [
    { path: "sysusers.d/sluice.conf", text: sysusers(options) },
    { path: "systemd/system/sluice-host.service", text: hostUnit(options) },
    { path: "systemd/system/sluice.service", text: controlUnit(options) },
  ];
}

function sysusers({ user, servicesUser, stateFolder }: UnitOptions): string {
  const own = user === "root" ? "" : `u ${user} - "Sluice" /var/lib/${stateFolder}\n`;
  return `${own}u ${servicesUser} - "Services that Sluice runs"\n`;
}

function hostUnit(options: UnitOptions): string {
  const run = commandOf(options);
  return `[Unit]
Description=Sluice host: runs services and routes to them
Wants=network-online.target
After=network-online.target

[Service]
${common(options)}
ExecStart=${run("host run")} --entry-address ${options.entryAddress} --user ${options.servicesUser}
ExecReload=${run("host upgrade")}
KillMode=process
# Draining and graceful stops of all services.
TimeoutStopSec=180
# Memory and cpu of each replica.
Delegate=cpu memory
${options.user === "root" ? "" : hostRights}LimitNOFILE=65536
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
`;
}

function controlUnit(options: UnitOptions): string {
  return `[Unit]
Description=Sluice control plane: deployments, API and dashboard
Wants=sluice-host.service
After=sluice-host.service

[Service]
${common(options)}
# It would start a host itself where none runs, and take it along when it stops.
ExecStartPre=${commandOf(options)("host status")} --wait 60
ExecStart=${commandOf(options)("up")} ${["--foreground", ...options.upArgs].join(" ")}
TimeoutStopSec=60
${options.user === "root" ? "" : controlRights}
[Install]
WantedBy=multi-user.target
`;
}

const hostRights = `# Public ports below 1024, and replicas under users of their own; those get none of these.
AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_KILL
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_KILL
`;

const controlRights = `# Its public port may be below 1024.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
`;

/** Each would keep a container, or the files of an image, from being made. */
const confined = `NoNewPrivileges=yes
ProtectKernelTunables=yes
RestrictSUIDSGID=yes
`;

function common({ user, stateFolder }: UnitOptions): string {
  return `Type=exec
User=${user}
Group=${user}
StateDirectory=${stateFolder}
# Nobody else can list it; what is private in it is so by itself. Services pass through it to their files.
StateDirectoryMode=0711
UMask=0077
WorkingDirectory=/var/lib/${stateFolder}
Environment=NODE_ENV=production
Restart=always
RestartSec=1
ProtectSystem=full
ProtectHome=read-only
ProtectKernelModules=yes
${user === "root" ? "" : confined}LockPersonality=yes`;
}

function commandOf({ node, program, stateFolder }: UnitOptions): (verb: string) => string {
  return (verb) => `${node} ${program} --data /var/lib/${stateFolder} ${verb}`;
}
