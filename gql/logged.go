package gql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lib/pq"
)

// dataException is the class of SQLSTATE whose errors are about a value
// (PostgreSQL, Appendix A): their messages quote it.
const dataException = "22"

// logged is an error as the log may have it: without the values of a request,
// which may be somebody's name.
func logged(err error) error {
	var refused *pq.Error
	if errors.As(err, &refused) && strings.HasPrefix(string(refused.Code), dataException) {
		said := fmt.Sprintf("pq: a value does not fit, in %s (%s)", refused.Routine, refused.Code)
		return errors.New(strings.ReplaceAll(err.Error(), refused.Error(), said))
	}
	return err
}
