# The base class of every node: what an agent must have right to keep its certificate.
#
#   node default {
#     class { 'countersign': ca_server => 'ca.example.com' }      # or `include`, with Hiera's values
#   }
#
# Its resources are in the run stage `first`, which ends before the stage `main` begins, in which
# everything else is. A catalog of which the rest fails, or is stopped half-way, still moves the node
# to another CA and renews its certificate; in `main` one failed dependency could leave it behind for
# good, for a node whose certificate ran out gets no more catalogs.
#
# Core types only: no other module is needed.
#
# @param ca_server
#   The host of the CA. With it set, compilers are no longer asked for certificates.
# @param ca_port
#   The port of the CA.
# @param crl_refresh_interval
#   When an agent fetches the CRL anew, at the first run after that time. Puppet 6.5 to 7 never do
#   unless it is set: they would go on trusting a compiler that was revoked.
# @param renew_before
#   Days before its end at which a certificate is renewed, with the key it has. Puppet 8 does so by
#   itself (hostcert_renewal_interval), for older agents this class does. 0: never.
# @param confdir
#   Where puppet.conf is.
# @param ssldir
#   Where certificates and keys are.
class countersign (
  String[1]        $ca_server,
  Integer[1,65535] $ca_port              = 8140,
  String[1]        $crl_refresh_interval = '1h',
  Integer[0]       $renew_before         = 30,
  String[1]        $confdir              = $facts['aio_agent_version'] ? {
    undef   => '/etc/puppet',
    default => '/etc/puppetlabs/puppet',
  },
  String[1]        $ssldir               = $facts['aio_agent_version'] ? {
    undef   => '/var/lib/puppet/ssl',
    default => '/etc/puppetlabs/puppet/ssl',
  },
) {
  stage { 'first':
    before => Stage['main'],
  }

  class { 'countersign::agent':
    stage => 'first',
  }
}
