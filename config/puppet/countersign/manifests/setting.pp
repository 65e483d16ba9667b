# One setting of puppet.conf: it stands in [main], where the agent, `puppet ssl` and `puppetserver ca`
# all read it, and in no section that would win over it.
#
# A running agent reads puppet.conf again before its next run.
#
# @param value
#   What it shall be.
# @param confdir
#   Where puppet.conf is.
#
# @api private
define countersign::setting (
  String[1] $value,
  String[1] $confdir,
) {
  $conf = "${confdir}/puppet.conf"
  # The lines of one section that set this name, without what stands before the value.
  $in_main = "sed -n '/^ *\\[main\\]/,/^ *\\[/s/^ *${name} *= *//p' ${conf}"
  $in_agent = "sed -n '/^ *\\[agent\\]/,/^ *\\[/s/^ *${name} *= *//p' ${conf}"

  Exec {
    path     => ['/opt/puppetlabs/bin', '/usr/bin', '/bin'],
    provider => shell,
  }

  exec { "countersign: ${name} = ${value}":
    command => "puppet config set ${name} '${value}' --section main --confdir ${confdir}",
    unless  => "${in_main} | sed 's/ *$//' | grep -Fxq -- '${value}'",
  }

  exec { "countersign: ${name} has no second value":
    command => "puppet config delete ${name} --section agent --confdir ${confdir}",
    onlyif  => "${in_agent} | grep -q .",
    require => Exec["countersign: ${name} = ${value}"],
  }
}
