package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Requests are the settings of requests of HTTP, whatever they ask for.
type Requests struct {
	ReadTimeout time.Duration `help:"How long a request may take to come." default:"30s"`
	BodyMax     int           `help:"How many bytes a request can have." default:"1048576"`
	BatchMax    int           `help:"How many operations a request can have. One is sent by itself; more, as a JSON array." default:"1"`
	CORSOrigins []string      `name:"cors-origins" help:"Whose pages may read answers, besides the server's own, such as https://app.example.com." placeholder:"ORIGIN,…"`
	Hosts       []string      `help:"Which names requests may call the server by; IP addresses and localhost always. Without it, any where others can reach the server, and no other where they cannot." placeholder:"HOST,…"`
}

func (r Requests) validate() error {
	if r.ReadTimeout < time.Second || r.ReadTimeout > 5*time.Minute {
		return fmt.Errorf("read-timeout: %v is not between 1s and 5m", r.ReadTimeout)
	}
	if r.BodyMax < 1<<10 || r.BodyMax > 16<<20 {
		return fmt.Errorf("body-max: must be between 1024 and 16777216 bytes")
	}
	if r.BatchMax < 1 || r.BatchMax > 100 {
		return fmt.Errorf("batch-max: must be between 1 and 100")
	}
	for _, origin := range r.CORSOrigins {
		// As browsers send it: what else a URL has would never be equal.
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || origin != u.Scheme+"://"+strings.ToLower(u.Host) || strings.Contains(origin, "*") {
			return fmt.Errorf("cors-origins: %q is not an origin, such as https://app.example.com", origin)
		}
	}
	for _, host := range r.Hosts {
		if _, _, err := net.SplitHostPort(host); err == nil || host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/*: ") {
			return fmt.Errorf("hosts: %q is not a name, in lower case and without port", host)
		}
	}
	return nil
}

// Called are the names that the server answers to; none for any.
func (s Server) Called() []string {
	host, _, err := net.SplitHostPort(s.Listen)
	if err != nil || !loopback(host) || len(s.Hosts) > 0 || s.Secure() { // whose certificate has the names
		return s.Hosts
	}
	return []string{"localhost"} // a page of any other name has it point here to read what is ours
}
